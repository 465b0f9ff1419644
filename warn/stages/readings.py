"""Numbers from sources that have no mentions to give: each adds to one field of its topic's partial, and counts once."""

from collections.abc import Mapping
from typing import Final

from warn.aggregate.memory import Post
from warn.model.flow import MENTIONS
from warn.model.hashing import keyed, series_hash
from warn.model.mention import Reading
from warn.stages.base import Effects
from warn.stages.intake import MAX_TOTAL, Intake

_FIELDS: Final[Mapping[str, tuple[str, int]]] = {
    "care": ("care", 1000),
    "mentions": ("mentions", 1000),
    "echo": ("echo", 1000),
    "reach": ("reach_milli", 1),
    "negativity": ("negative_milli", 1),
}
"""By signal (`COUNTED`) the field of the partial that each adds to, and how many thousandths are one."""


def take_reading(intake: Intake, reading: Reading, effects: Effects) -> str | None:
    """Count a number; what is wrong with it, or None. A reading that comes twice counts once."""
    intake.work += 10
    if intake.matcher is None:
        effects.count("late")
        return None
    topic = intake.matcher.index_of.get(reading.topic)
    field = _FIELDS.get(reading.signal)
    if topic is None or field is None:
        effects.count("unreadable", MENTIONS)
        what = (
            f"no topic {reading.topic!r} is in force"
            if topic is None
            else f"no reading gives {reading.signal!r}"
        )
        return f"{what}; a reading of {reading.source!r}"
    if not intake.in_time(reading.at_ms):
        effects.count("late")
        return None
    # The thread of a reading is its series, by which the door chose the partition.
    series = series_hash(reading.source, reading.topic, reading.signal)
    once = keyed(intake.key, "reading", str(reading.at_ms))
    if intake.memory.find(series, once) is not None:
        effects.count("repeats")
        return None
    intake.memory.count(series, once, Post(()))
    value = min(max(reading.value_milli, 0), MAX_TOTAL * 1000)
    intake.tally.number(topic, reading.at_ms // 1000, field[0], (value + field[1] // 2) // field[1])
    return None
