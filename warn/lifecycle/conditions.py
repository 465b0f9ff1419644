"""What of a rule holds at a second: planned peaks, and which floors speak for which signal."""

from warn.model.rules import Floor, Rule


def lift_of(rule: Rule, at: int) -> float:
    """The planned multiple of normal at a second."""
    return max((e.lift for e in rule.expect if e.start <= at < e.end), default=1.0)


def floor_of_kind(floor: Floor, signal: str) -> bool:
    """Votes do not prove people: a floor speaks for the signals of its own kind."""
    if signal == "echo":
        return floor.echo > 0
    if signal == "care":
        return floor.care > 0
    return floor.mentions > 0 or floor.authors > 0
