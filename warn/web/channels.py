"""The page of channels: each with its owner, its risks, what is expected of it, and whether it is heard."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from warn.web.facts import name_of
from warn.web.hostile import clean
from warn.web.register import STALE_S, Row
from warn.web.words import Words

_TONES: Final = {"hearing": "calm", "lagging": "diary", "unheard": "diary"}
_MOST_GAPS: Final = 3


class Shown(NamedTuple):
    """One channel, in words. `since` is "" while it is heard; `facts` are (label, answer)."""

    name: str
    state: str
    tone: str
    since: str
    facts: Sequence[tuple[str, str]]


def shown(row: Row, words: Words) -> Shown:
    """A row of the register as its page shows it."""
    facts = [
        (words("channel.last"), _at(row.heard_at, words) if row.heard_at else words("channel.last.never")),
        (words("channel.pulse"), _pulse(row, words)),
    ]
    if row.state == "unheard":
        facts = [(words("channel.why"), words("channel.unheard.note"))]
    facts += _why(row, words)
    if row.remedy:
        facts.append((words("channel.remedy"), clean(row.remedy, 300)))
    owner = clean(row.owner, 120) or words("channel.owner.none")
    deputy = f"; {words('channel.deputy', deputy=clean(row.deputy, 120))}" if row.deputy else ""
    facts.append((words("channel.owner"), owner + deputy))
    role = f"channel.role.{row.role}"
    facts.append((words("channel.role"), words(role) if words.knows(role) else clean(row.role, 40)))
    if row.risk:
        facts.append((words("channel.risk"), ", ".join(clean(risk, 60) for risk in row.risk)))
    if row.brands:
        facts.append((words("channel.brands"), ", ".join(clean(brand, 80) for brand in row.brands)))
    if row.gaps:
        facts.append((words("channel.gaps"), "; ".join(_gap(gap, words) for gap in row.gaps[-_MOST_GAPS:])))
    if row.connectors:
        facts.append((words("channel.connectors"), ", ".join(clean(one, 64) for one in row.connectors)))
    since = (
        words("channel.since", clock=words.clock(row.since), day=words.day(row.since)) if row.since else ""
    )
    return Shown(
        name_of(row.source), words(f"channel.{row.state}"), _TONES.get(row.state, "alarm"), since, facts
    )


def _why(row: Row, words: Words) -> list[tuple[str, str]]:
    """The reason in the reader's language; and what the connector says, which is English, under a name of its own."""
    if row.state == "hearing":
        return []
    reason = words(f"channel.why.{row.reason}") if words.knows(f"channel.why.{row.reason}") else ""
    found = [(words("channel.why"), reason)] if reason else []
    if row.why:
        found.append((words("channel.exactly" if reason else "channel.why"), clean(row.why, 300)))
    return found


def stale_since(rows: Sequence[int], now: int) -> int:
    """Since when collect says nothing of its connectors; 0 where it does, or never has. `rows`: when each last did."""
    last = max(rows, default=0)
    return last if last and now - last > STALE_S else 0


def _at(at: int, words: Words) -> str:
    return words("channel.last.at", clock=words.clock(at), day=words.day(at))


def _pulse(row: Row, words: Words) -> str:
    if row.expect_s:
        return words("channel.pulse.given", span=words.span(row.expect_s))
    if row.usual_s:
        return words("channel.pulse.learned", span=words.span(row.usual_s))
    return words("channel.pulse.none")


def _gap(gap: tuple[int, int], words: Words) -> str:
    return words("channel.gap", start=words.clock(gap[0]), end=words.clock(gap[1]), day=words.day(gap[0]))
