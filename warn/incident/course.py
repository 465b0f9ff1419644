"""How the alerts of one brand become incidents: opened, quietly updated, paged again in waves, resolved.

The course of a brand is decided by that brand's AlertEvents and Beats alone, in their order; never by a Tick,
a receipt or another brand. Shadow and live alerts keep apart: each mode has an incident of its own, so a rule
file on trial can neither wake anybody nor hold back, lengthen or colour an incident that may. A rule that is
promoted while its alert fires leaves the shadow incident for a live one, and that pages.

Time is the brand's own: whatever arrives at second t first fires every timer due at t or before, in order of
their due times, and only then counts. So an alert that fires in the very second in which an incident's wait
ends finds it resolved, and opens a new one; and it makes no difference how many beats came before.
"""

from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from warn.model.alerts import AlertEvent, Article, Beat, Numbers
from warn.model.hashing import keyed

LINGER_S = 8 * 3600
"""How long all alerts of an incident must have been over before it is. detect owes the brand a beat this long
after the last alert resolved, or the incident resolves only when the brand is next heard of (with the right
`at`)."""

JOIN_S = 60
"""Rules that fire within this long of a page see what was paged: that another one sees it too is no news."""

WAVE_S = 4 * 3600
"""How long after a page its growth still belongs to what was paged."""

PERSON = 20
"""Votes that weigh as much as a person writing: the ratio of the usual floors, 100 votes or 5 people."""

LEAST = 100
"""Growth is reckoned from this size at least, so that two people after one are no doubling."""

PEAKS = ("people", "mentions", "echo", "echo_people", "care", "reach", "negative", "press")
"""Counts of which the end tells the highest."""

RANKS = {"digest": 0, "ticket": 1, "page": 2}

Kind = Literal["opened", "updated", "wave", "resolved"]


def rank(severity: str) -> int:
    """Order of severities; one that a later release invents ranks as a page, lest it be slept through."""
    return RANKS.get(severity, RANKS["page"])


def size(numbers: Numbers) -> int:
    """How big a crisis is, on one scale for people and votes, so that growth can be told across both."""
    writing = numbers.people or numbers.mentions
    return max(PERSON * max(writing, numbers.care), numbers.echo)


class Incident(Struct, kw_only=True):
    """One crisis of a brand in one mode.

    `severity` is the highest it ever had: it never falls while the incident lasts, so that a rule that comes
    and goes is no news. `live`: rules whose alerts fire now. `rules`, `topics`, `press`: what was part of it
    so far. `told`: greatest size said so far. `paged_at`, `paged_size`: when it last rang, and how big what
    rang became. `calmed`: all alerts have been over since it last rang. `quiet_since`: since when they are.
    `peak`: the alert at its greatest. `page_at`: when it first rang as a page (0: never). `press_at`, `press_seen_at`: when
    its first article was published by its own word, and when we saw that one (0: there is none). `led`: who was first,
    we or the press, is told.
    """

    id: str
    mode: str
    severity: str
    paged_at: int
    peak: AlertEvent
    page_at: int = 0
    press_at: int = 0
    press_seen_at: int = 0
    led: bool = False
    sequence: int = 0
    live: list[str] = []
    rules: list[str] = []
    topics: list[str] = []
    press: bool = False
    told: int = 0
    paged_size: int = 0
    calmed: bool = False
    quiet_since: int | None = None


class Course(Struct):
    """All that is known of a brand: at most one incident per mode, sorted; `at`: the latest event's time."""

    brand: str
    at: int = 0
    incidents: list[Incident] = []
    version: int = 1


class Turn(NamedTuple):
    """What happened to an incident, and the alert whose numbers tell it; `press`: met by any so far.

    `leads`: with this it is known who was first, we or the press.
    """

    event: Kind
    at: int
    incident: str
    sequence: int
    severity: str
    mode: str
    press: bool
    voice: AlertEvent
    page_at: int = 0
    press_at: int = 0
    press_seen_at: int = 0
    leads: bool = False


def incident_id(brand: str, rule: str, at: int) -> str:
    """16 hex digits for the incident that this rule's alert opened at this tick."""
    return f"{keyed(b'incident', brand, rule, str(at)):016x}"


def take(course: Course, record: AlertEvent | Beat | Article) -> list[Turn]:
    """Let a record of the brand happen; the turns are in order of `at`."""
    turns = _fire(course, record.at)
    if isinstance(record, Beat):
        return turns
    # The log is in order of time; should it ever not be, an incident still never runs backwards.
    at = course.at = max(course.at, record.at)
    if isinstance(record, Article):
        read = [
            _read(incident, record, at) for incident in course.incidents if record.topic in incident.topics
        ]
        return [*turns, *(turn for turn in read if turn is not None)]
    for incident in course.incidents:
        if record.kind == "resolved" or incident.mode != record.mode:
            _over(incident, record.rule, at)
    if record.kind == "resolved":
        return turns
    mine = next((i for i in course.incidents if i.mode == record.mode), None)
    # An update whose firing we never saw (its rule was just promoted) opens as a firing would.
    turn = _open(course, record, at) if mine is None else _join(mine, record, at)
    if turn is not None:
        turns.append(turn)
    return turns


def _fire(course: Course, until: int) -> list[Turn]:
    """Resolve what has been quiet long enough; `at` is when the wait ended, not when somebody looked."""
    due = [i for i in course.incidents if i.quiet_since is not None and i.quiet_since + _lingers(i) <= until]
    turns = [_turn(i, "resolved", (i.quiet_since or 0) + _lingers(i), i.peak) for i in due]
    course.incidents = [i for i in course.incidents if all(i is not over for over in due)]
    return sorted(turns, key=lambda turn: (turn.at, turn.mode))


def _lingers(incident: Incident) -> int:
    """warn's own alert has waited for its end itself."""
    return 0 if incident.peak.silent else LINGER_S


def _turn(incident: Incident, event: Kind, at: int, voice: AlertEvent) -> Turn:
    incident.sequence += 1
    if not incident.page_at and event in {"opened", "wave"} and rank(incident.severity) == RANKS["page"]:
        incident.page_at = at
    leads = bool(not incident.led and incident.page_at and incident.press_at)
    incident.led = incident.led or leads
    return Turn(
        event, at, incident.id, incident.sequence, incident.severity, incident.mode, incident.press, voice,
        incident.page_at, incident.press_at, incident.press_seen_at, leads,
    )  # fmt: skip


def _read(incident: Incident, article: Article, at: int) -> Turn | None:
    """The press has written: news where it is the first article, or an earlier one than that."""
    _date(incident, article.press_ms // 1000, article.seen_ms // 1000)
    numbers = incident.peak.numbers
    known = incident.press
    incident.press = True
    if known:
        return None
    voice = replace(
        incident.peak,
        numbers=replace(numbers, press=max(numbers.press, article.articles), press_at=incident.press_at),
        press_seen_at=incident.press_seen_at,
    )
    return _turn(incident, "updated", at, voice)


def _date(incident: Incident, press_at: int, seen_at: int) -> None:
    """Remember the first article."""
    if press_at and (
        not incident.press_at or (press_at, seen_at) < (incident.press_at, incident.press_seen_at)
    ):
        incident.press_at, incident.press_seen_at = press_at, seen_at


def _over(incident: Incident, rule: str, at: int) -> None:
    """The alert of a rule is no longer part of it."""
    if rule in incident.live:
        incident.live.remove(rule)
        if not incident.live:
            incident.quiet_since = at
            incident.calmed = True


def _open(course: Course, alert: AlertEvent, at: int) -> Turn:
    incident = Incident(
        id=incident_id(course.brand, alert.rule, at),
        mode=alert.mode,
        severity=alert.severity,
        paged_at=at,
        peak=alert,
        live=[alert.rule],
        rules=[alert.rule],
        topics=[alert.topic],
        press=alert.numbers.press > 0,
        told=size(alert.numbers),
        paged_size=size(alert.numbers),
    )
    course.incidents = sorted([*course.incidents, incident], key=lambda i: i.mode)
    _date(incident, alert.numbers.press_at or 0, alert.press_seen_at)
    return _turn(incident, "opened", at, alert)


def _join(incident: Incident, alert: AlertEvent, at: int) -> Turn | None:
    """What an alert that fires means for an open incident: a wave, an update, or nothing worth saying."""
    if alert.silent:
        return _silence(incident, alert, at)
    now = size(alert.numbers)
    if not incident.calmed and at < incident.paged_at + WAVE_S:
        outgrown = False
        incident.paged_size = max(incident.paged_size, now)
    else:
        outgrown = now > 2 * max(incident.paged_size, LEAST)
    raised = rank(alert.severity) > rank(incident.severity)
    news = (
        raised
        or incident.quiet_since is not None
        or (at > incident.paged_at + JOIN_S and alert.rule not in incident.rules)
        or (at > incident.paged_at + JOIN_S and alert.topic not in incident.topics)
        or (alert.numbers.press > 0 and not incident.press)
        or now >= 2 * max(incident.told, LEAST)
    )
    _date(incident, alert.numbers.press_at or 0, alert.press_seen_at)
    _remember(incident, alert)
    if outgrown or (raised and rank(alert.severity) == RANKS["page"]):
        incident.paged_at, incident.paged_size, incident.calmed = at, max(incident.paged_size, now), False
        event: Kind = "wave"
    elif news:
        event = "updated"
    else:
        return None
    incident.told = max(incident.told, now)
    return _turn(incident, event, at, alert)


def _silence(incident: Incident, alert: AlertEvent, at: int) -> Turn:
    """Of warn's own alert it is news which sources are silent; one without which warn counts as deaf rings."""
    critical = {one.source for one in incident.peak.silent if one.critical}
    rings = any(one.critical and one.source not in critical for one in alert.silent)
    incident.peak, incident.quiet_since, incident.live = alert, None, [alert.rule]
    if rank(alert.severity) > rank(incident.severity):
        incident.severity = alert.severity
    if rings:
        incident.paged_at, incident.calmed = at, False
    return _turn(incident, "wave" if rings else "updated", at, alert)


def _remember(incident: Incident, alert: AlertEvent) -> None:
    incident.quiet_since = None
    incident.live = sorted({*incident.live, alert.rule})
    incident.rules = sorted({*incident.rules, alert.rule})
    incident.topics = sorted({*incident.topics, alert.topic})
    incident.press = incident.press or alert.numbers.press > 0
    if rank(alert.severity) > rank(incident.severity):
        incident.severity = alert.severity
    incident.peak = _higher(incident.peak, alert)


def _higher(peak: AlertEvent, alert: AlertEvent) -> AlertEvent:
    """The greater of two, with every count at its own highest: votes often come after the people."""
    greater, other = (alert, peak) if size(alert.numbers) > size(peak.numbers) else (peak, alert)
    counts = {f: max(getattr(greater.numbers, f), getattr(other.numbers, f)) for f in PEAKS}
    since = min(peak.numbers.since or alert.numbers.since, alert.numbers.since or peak.numbers.since)
    return replace(greater, numbers=replace(greater.numbers, since=since, **counts))
