"""What one of several places asked for holds, and the one that may end first decides."""

import pytest

from warn.ingest.rest import Rest, soonest
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError


def _temporary(reason: Reason = Reason.SERVER, after: float | None = None) -> TemporaryError:
    return TemporaryError("forum: HTTP 503", reason=reason, retry_after_s=after)


def test_a_place_is_left_alone_for_as_long_as_it_said() -> None:
    rest = Rest()
    assert rest.why(0.0) is None
    rest.told(_temporary(after=60.0), 100.0)
    why = rest.why(130.0)
    assert isinstance(why, TemporaryError) and why.retry_after_s == 30.0 and why.reason is Reason.SERVER
    assert rest.why(160.0) is None


def test_what_says_nothing_of_it_holds_nobody_back() -> None:
    rest = Rest()
    rest.told(_temporary(), 100.0)
    assert rest.why(100.0) is None
    rest.hold(PermanentError("forum: HTTP 404", reason=Reason.CLIENT), 900.0, 100.0)
    assert isinstance(rest.why(999.0), PermanentError) and rest.why(1_000.0) is None


def test_nobody_is_left_alone_for_more_than_a_day() -> None:
    rest = Rest()
    rest.told(_temporary(after=1e12), 0.0)
    assert rest.why(86_399.0) is not None and rest.why(86_400.0) is None


_SOON, _LATER = _temporary(after=60.0), _temporary(Reason.RATE_LIMITED, 3_600.0)
_KEY, _GONE = _temporary(Reason.AUTH), PermanentError("forum: HTTP 410", reason=Reason.GONE)


@pytest.mark.parametrize(
    ("errors", "first"),
    [
        ([_LATER, _SOON], _SOON),
        ([_GONE, _LATER], _LATER),
        ([_KEY, _SOON], _SOON),
        ([_LATER, _KEY], _KEY),
        ([_GONE], _GONE),
    ],
)
def test_the_one_that_may_end_first_decides(errors: list[WarnError], first: WarnError) -> None:
    assert soonest(errors) is first
