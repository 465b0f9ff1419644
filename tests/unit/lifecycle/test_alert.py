"""The life of an alert, row by row."""

import pytest

from warn.lifecycle.alert import INACTIVE, Alert, judged, timed


def go(alert, exceptional, at, for_s=0, keep=0):
    return judged(alert, exceptional, at, for_s=for_s, keep_firing_s=keep)


def test_without_for_it_fires_at_once_and_counts_an_episode():
    assert go(INACTIVE, True, 100) == (Alert("firing", 100, None, 1), "firing")


def test_with_for_it_is_pending_until_its_timer():
    pending, happened = go(INACTIVE, True, 100, for_s=60)
    assert (pending, happened) == (Alert("pending", 100, 160, 0), "pending")
    assert timed(pending) == (Alert("firing", 160, None, 1), "firing")


def test_a_pending_alert_quiets_down_without_a_word():
    assert go(Alert("pending", 100, 160, 0), False, 120) == (Alert("inactive", 120, None, 0), "quieted")


def test_it_keeps_firing_for_as_long_as_it_was_told():
    firing = Alert("firing", 100, None, 1)
    waning, happened = go(firing, False, 200, keep=1800)
    assert (waning, happened) == (Alert("firing", 100, 2000, 1), "update")
    assert go(waning, False, 300, keep=1800) == (waning, "update")
    assert go(waning, True, 400, keep=1800) == (firing, "update")
    assert timed(waning) == (Alert("inactive", 2000, None, 1), "resolved")


def test_without_keep_firing_it_resolves_at_once():
    assert go(Alert("firing", 100, None, 3), False, 200) == (Alert("inactive", 200, None, 3), "resolved")


def test_an_alert_without_a_timer_cannot_be_timed():
    with pytest.raises(ValueError, match="without a timer"):
        timed(INACTIVE)
