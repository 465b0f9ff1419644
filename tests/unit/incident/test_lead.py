"""Who was first is a range: the page that wakes, and the metrics that count, say no more than is known."""

import pytest
from msgspec.structs import replace

from tests.unit.incident.makers import HOUR, T0, alert, article
from tests.unit.incident.test_press_clock import run
from tests.unit.stages.desk import Desk
from warn.incident.lead import Lead, lead
from warn.incident.page import tell


@pytest.mark.parametrize(
    ("dated", "seen", "side", "sure"),
    [
        (T0 - 3 * HOUR, T0 + 120, "between", False),
        (T0 - 3 * HOUR, T0 - HOUR, "behind", False),
        (T0 - 600, T0 - 590, "behind", True),
        (T0 + 600, T0 + HOUR, "ahead", False),
        (T0 + 600, T0 + 610, "ahead", True),
        (T0 - 30, T0 + 20, "level", True),
        (T0 + HOUR, T0 - HOUR, "between", False),  # dated ahead of time
    ],
)
def test_a_range_has_a_side_or_none(dated: int, seen: int, side: str, sure: bool) -> None:
    known = lead(T0, dated, seen)
    assert known is not None and (known.side, known.sure) == (side, sure)


def test_without_page_or_article_nobody_was_first() -> None:
    assert lead(0, T0, T0) is None and lead(T0, 0, 0) is None
    assert lead(T0, T0 - 60, 0) == Lead(-60, -60), "an older release did not write down when it saw it"


def test_metrics_count_the_side_that_is_worse_for_us() -> None:
    """Dated three hours before our page and seen after it: the press was first, by three hours."""
    desk = Desk()
    desk.feed(alert(), article(T0 + 600, ago=600 + 3 * HOUR))
    assert desk.effects.counts["leads", "press"] == 1
    assert desk.effects.counts["lead_seconds", "press"] == 3 * HOUR
    early = Desk()  # a date ahead of time proves nothing for us
    early.feed(alert(press=1, press_at=T0 + HOUR))
    assert early.effects.counts["leads", "warn"] == 1
    ahead = Desk()
    ahead.feed(replace(alert(press=1, press_at=T0 + HOUR), press_seen_at=T0 - 60))
    assert ahead.effects.counts["leads", "press"] == 1
    assert ahead.effects.counts["lead_seconds", "press"] == 60


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Press: 1 article, dated 10:02 UTC, seen 13:02 UTC."),
        ("nl", "Pers: 1 artikel, gedateerd 10:02 UTC, gezien 13:02 UTC."),
    ],
)
def test_the_message_says_both_times(language: str, said: str) -> None:
    *_, press = run(alert(language=language), article(T0 + 120, ago=3 * HOUR))
    assert said in tell(press).summary
    *_, sure = run(alert(language=language), article(T0 + 120, ago=20))
    assert "13:01 UTC" in tell(sure).summary and "13:02" not in tell(sure).summary
