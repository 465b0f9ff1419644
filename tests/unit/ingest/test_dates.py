"""Dates of services: exact to the millisecond, UTC where no zone is given, and nothing raises."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from warn.ingest.dates import milliseconds, since_epoch


def test_dates_as_services_write_them() -> None:
    assert milliseconds("2026-07-04T14:38:06.240Z") == 1_783_175_886_240
    assert milliseconds("2026-07-04T16:38:06.240+02:00") == milliseconds("2026-07-04T14:38:06.240")
    for none in (None, 5, "", "yesterday", "2026-13-01", "2026-07-04T14:38:06" + "0" * 100, b"2026-07-04"):
        assert milliseconds(none) is None


@given(st.integers(0, 253_402_300_799_999))
def test_no_millisecond_is_lost(ms: int) -> None:
    """A float of seconds would lose one now and then."""
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    assert since_epoch(when) == ms
    assert milliseconds(when.isoformat()) == ms


@given(st.text(max_size=80))
def test_whatever_is_written_raises_nothing(said: str) -> None:
    found = milliseconds(said)
    assert found is None or isinstance(found, int)
