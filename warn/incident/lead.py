"""How far our page was ahead of the first article, told as what it is: between two times, not at one.

Everything that says who was first says it from here: the incident page, the report, the metrics.
"""

from typing import Final, Literal, NamedTuple

UNSURE_S: Final = 60
"""An article dated and seen within a minute is dated well; a page within a minute of it came at the same time."""


class Lead(NamedTuple):
    """How far our page was ahead of the first article (seconds, below 0: behind).

    The truth lies between `least` and `most`: the date is the publisher's own word, and we saw it only later. Where one
    number has to do, as in metrics and medians, it is `least`, with which we cannot flatter ourselves.
    """

    least: int
    most: int

    @property
    def side(self) -> Literal["level", "ahead", "behind", "between"]:
        """Who was first: nobody by more than a minute, we, the press, or it cannot be told."""
        if max(abs(self.least), abs(self.most)) < UNSURE_S:
            return "level"
        if self.least > 0:
            return "ahead"
        return "behind" if self.most <= 0 else "between"

    @property
    def sure(self) -> bool:
        """Whether one number says it."""
        return self.most - self.least < UNSURE_S


def lead(page_at: int, press_at: int, press_seen_at: int) -> Lead | None:
    """Of an incident that rang and that the press wrote about, else None; `press_seen_at` 0: not known, as of old."""
    if not page_at or not press_at:
        return None
    least, most = sorted((press_at - page_at, (press_seen_at or press_at) - page_at))
    return Lead(least, most)


def dated_well(press_at: int, press_seen_at: int) -> bool:
    """Whether an article's own date says when it came: we saw it at once, or nobody knows when."""
    return not press_seen_at or abs(press_seen_at - press_at) < UNSURE_S
