"""The report for the head of communications: what broke out, who was first, we or the press, and what was not heard.

Made of what the daemon says of itself; nothing is worked out that it does not know, and what it does not know is said.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from warn.bus.topics import RETENTION_S
from warn.incident.lead import Lead, dated_well, lead
from warn.model.errors import PermanentError, Reason
from warn.model.flow import INCIDENTS

LONGEST_DAYS: Final = 400
KEPT_S: Final = RETENTION_S[INCIDENTS]
"""So far back incidents are known."""
MOST_INCIDENTS: Final = 500
"""That a daemon tells of at once, the latest."""


class Span(NamedTuple):
    """From midnight to midnight of whole days in one place; `end` is the first second after it."""

    first: date
    last: date
    start: int
    end: int
    zone: str


def span(since: str | None, until: str | None, zone: str, now: int) -> Span:
    """Whole days; by default the 30 before today. Raises PermanentError for what is no day or place."""
    try:
        where = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PermanentError(f"there is no time zone {zone!r}", reason=Reason.CONFIG) from None
    today = datetime.fromtimestamp(now, where).date()
    last = _day(until) if until else today - timedelta(days=1)
    first = _day(since) if since else last - timedelta(days=29)
    if first > last or (last - first).days > LONGEST_DAYS:
        raise PermanentError(
            f"from {first} to {last} is no span of 1 to {LONGEST_DAYS} days", reason=Reason.CONFIG
        )
    start = datetime.combine(first, time(), where).astimezone(UTC)
    end = datetime.combine(last + timedelta(days=1), time(), where).astimezone(UTC)
    return Span(first, last, int(start.timestamp()), int(end.timestamp()), zone)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise PermanentError(f"{text!r} is no day such as 2026-11-01", reason=Reason.CONFIG) from None


def report(
    courses: Sequence[dict[str, Any]], channels: Sequence[dict[str, Any]], days: Span, now: int
) -> dict[str, Any]:
    """Everything that the report says, as plain data. `courses` as of `/api/incidents/ID`, `channels` as of `/api/connectors`.

    `known_from`: the first day of which incidents are still kept whole, where that is after the first day asked for.
    """
    rows = [_row(course) for course in courses]
    found = sorted(
        (row for row in rows if days.start <= row["opened_at"] < days.end), key=lambda r: r["opened_at"]
    )
    live = [row for row in found if row["mode"] == "live"]
    rang = [row for row in live if row["page_at"]]
    leads = [row["lead"]["least_s"] for row in rang if row["lead"]]
    return {
        "first": days.first.isoformat(),
        "last": days.last.isoformat(),
        "timezone": days.zone,
        "known_from": _known_from(days, now),
        "cut": len(courses) >= MOST_INCIDENTS,
        "pages": sum(row["pages"] for row in live),
        "incidents": len(live),
        "diary": len(found) - len(live),
        "warn_first": sum(one > 0 for one in leads),
        "press_first": sum(one <= 0 for one in leads),
        "without_press": len(rang) - len(leads),
        "median_lead_s": round(median(leads)) if leads else None,
        "rows": found,
        "channels": [_channel(one, days) for one in channels],
    }


def _known_from(days: Span, now: int) -> str | None:
    oldest = now - KEPT_S
    if days.start >= oldest:
        return None
    return (datetime.fromtimestamp(oldest, ZoneInfo(days.zone)).date() + timedelta(days=1)).isoformat()


def _row(course: dict[str, Any]) -> dict[str, Any]:
    one, events = course["incident"], course["events"]
    ahead = lead(one["page_at"], one["press_at"], one["press_seen_at"])
    return {
        "id": one["id"],
        "brand": one["brand"],
        "topic": one["topic"],
        "alert": one["alert"],
        "mode": one["mode"],
        "severity": one["severity"],
        "state": "over" if one["over"] else one["state"],
        "opened_at": events[0]["at"],
        "page_at": one["page_at"],
        "pages": _pages(events, one),
        "people": max(event["numbers"]["people"] or event["numbers"]["echo_people"] for event in events),
        "reactions": max(event["numbers"]["echo"] for event in events),
        "press_at": one["press_at"],
        "press_seen_at": one["press_seen_at"],
        "lead": {"least_s": ahead.least, "most_s": ahead.most} if ahead else None,
    }


def _pages(events: Sequence[dict[str, Any]], one: dict[str, Any]) -> int:
    """How often it rang."""
    if not one["page_at"]:
        return 0
    return sum(event["event"] in {"opened", "wave"} and event["at"] >= one["page_at"] for event in events)


def _channel(one: dict[str, Any], days: Span) -> dict[str, Any]:
    gaps = [
        (max(start, days.start), min(end, days.end))
        for start, end in one["gaps"]
        if end > days.start and start < days.end
    ]
    return {
        "source": one["source"],
        "owner": one["owner"],
        "risk": list(one["risk"]),
        "state": one["state"],
        "heard_at": one["heard_at"],
        "gap_s": sum(end - start for start, end in gaps),
    }


def markdown(found: dict[str, Any]) -> str:
    """The report to be read."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: dict[str, Any]) -> Iterator[str]:
    where = ZoneInfo(found["timezone"])
    yield f"# What warn heard, {found['first']} to {found['last']}"
    yield ""
    if found["known_from"]:
        yield (
            f"**Incidents are kept for {KEPT_S // 86_400} days: before {found['known_from']} nothing is known any more, which does "
            "not mean that nothing happened.**"
        )
        yield ""
    if found["cut"]:
        yield f"**Only the latest {MOST_INCIDENTS} incidents are told; there may be older ones in these days.**"
        yield ""
    yield from _in_short(found)
    yield ""
    yield "## Incidents"
    yield ""
    if not found["rows"]:
        yield "None."
    else:
        yield f"| First told ({found['timezone']}) | About | People | Rang | First article | We were |"
        yield "| --- | --- | --- | --- | --- | --- |"
        for row in found["rows"]:
            yield _line(row, where)
    yield ""
    yield "An article's time is its publisher's own word; where we saw it clearly later, both are given. Radio, television,"
    yield "print and what is behind a paywall are not heard, so the press may have been earlier than we know."
    yield ""
    yield from _channels(found, where)
    yield ""
    yield "Not in this report, because warn does not know it yet: which pages were false, and when a first reply went out."


def _in_short(found: dict[str, Any]) -> Iterator[str]:
    n = found["incidents"]
    yield f"{_some(n, 'incident')}, {_some(found['pages'], 'page')}; {_some(found['diary'], 'incident')} of rules on trial."
    if found["median_lead_s"] is None:
        yield "The press wrote about none that rang, as far as we hear it."
        return
    ahead = found["median_lead_s"]
    side = "ahead of" if ahead > 0 else "behind"
    yield (
        f"We were first {_some(found['warn_first'], 'time')}, the press {_some(found['press_first'], 'time')}, and "
        f"{_some(found['without_press'], 'time')} it wrote nothing. Our page was {_long(abs(ahead))} {side} the first article "
        "(median)."
    )


def _line(row: dict[str, Any], where: ZoneInfo) -> str:
    article = "none"
    if row["press_at"]:
        article = _at(row["press_at"], where)
        if not dated_well(row["press_at"], row["press_seen_at"]):
            article += f", seen {_at(row['press_seen_at'], where)}"
    rang = f"{row['pages']} x, first {_at(row['page_at'], where)}" if row["page_at"] else "no"
    if row["mode"] != "live":
        rang = "no (on trial)"
    people = str(row["people"] or f"{row['reactions']} reactions")
    about = _cell(f"{row['brand']}: {row['topic'].rpartition('/')[2]}")
    return f"| {_at(row['opened_at'], where)} | {about} | {people} | {rang} | {article} | {_first(row['lead'])} |"


def _first(ahead: dict[str, int] | None) -> str:
    if ahead is None:
        return ""
    known = Lead(ahead["least_s"], ahead["most_s"])
    if known.side == "level":
        return "at the same time"
    if known.side == "between":
        return f"between {_long(-known.least)} later and {_long(known.most)} first"
    near, far = sorted((abs(known.least), abs(known.most)))
    by = _long(abs(known.least)) if known.sure else f"{_long(near)} to {_long(far)}"
    return f"{'first' if known.side == 'ahead' else 'later'} by {by}"


def _channels(found: dict[str, Any], where: ZoneInfo) -> Iterator[str]:
    yield "## Channels"
    yield ""
    if not found["channels"]:
        yield "None are set up."
        return
    yield "| Channel | Owner | Risks | State now | Last heard | Not given by its source |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for one in found["channels"]:
        last = _at(one["heard_at"], where) if one["heard_at"] else "never"
        gap = _long(one["gap_s"]) if one["gap_s"] else "nothing missing"
        owner, risks = _cell(one["owner"]) or "nobody", _cell(", ".join(one["risk"])) or "none named"
        yield f"| {_cell(one['source'])} | {owner} | {risks} | {one['state']} | {last} | {gap} |"


def _some(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _at(at: int, where: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at, where):%Y-%m-%d %H:%M}"


def _long(seconds: int) -> str:
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{round(minutes / 60)} h" if minutes < 48 * 60 else f"{round(minutes / 1440)} days"


def _cell(text: str) -> str:
    """What stands in a table: one line, and no mark of a column."""
    return " ".join(text.split()).replace("|", "/")
