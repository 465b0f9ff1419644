"""What an answer means: decided here for all connectors.

    2xx             an Answer
    401, 403        TemporaryError (auth): tried again, every 15 minutes at last, since mending the key is all there is to do
    404             PermanentError (client_error)
    410             PermanentError (gone)
    408, 429, 5xx   TemporaryError (timeout, rate_limited, server_error), with Retry-After where it is given; of 429 else with
                    when the limit is counted anew (X-RateLimit-Reset of Mastodon, RateLimit-Reset of Bluesky)
    other           PermanentError (client_error)

Errors say place and status, never an address, because addresses and headers carry keys.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError

LONGEST_RESET_S: Final = 900.0
_SINCE_1970: Final = 1_000_000_000


class Answer(NamedTuple):
    """What a place said. `headers` by lower-case name; `url` after redirects; `moved`: that is for good."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    moved: bool = False


def refusal(
    place: str, status: int, headers: Mapping[str, str], remedies: Mapping[int, str], now: float
) -> WarnError:
    """The error that this status means. `remedies`: by status, what a person can do about it."""
    remedy = remedies.get(status) or remedies.get({401: 403, 403: 401}.get(status, 0), "")
    said = f"{place}: HTTP {status}" + (f"; {remedy}" if remedy else "")
    if status in {401, 403}:
        said = f"{place}: HTTP {status}, it refuses us" + (f"; {remedy}" if remedy else "")
        return TemporaryError(said, reason=Reason.AUTH, retry_after_s=retry_after(headers, now))
    if status in {408, 429} or status >= 500:
        reason = {408: Reason.TIMEOUT, 429: Reason.RATE_LIMITED}.get(status, Reason.SERVER)
        after = retry_after(headers, now)
        if after is None and status == 429:
            after = reset_after(headers, now)
        return TemporaryError(said, reason=reason, retry_after_s=after)
    if status == 410:
        return PermanentError(f"{said}, gone for good: take it out of the settings", reason=Reason.GONE)
    if status == 404:
        return PermanentError(f"{said}, nothing is there: is the address right?", reason=Reason.CLIENT)
    return PermanentError(said, reason=Reason.CLIENT)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds from `now` that a Retry-After asks for; None where there is none that can be read."""
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        when = parsedate_to_datetime(said)
        # A date without a zone is one in UTC (RFC 9110, 5.6.7).
        return max(0.0, (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def reset_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds from `now` until a limit is counted anew, no more than 15 minutes; None where no header says so.

    Services give a date, seconds since 1970, or seconds from now.
    """
    said = (headers.get("ratelimit-reset") or headers.get("x-ratelimit-reset") or "").strip()
    try:
        if said.isascii() and said.isdigit():
            number = float(said[:12])
            seconds = number - now if number >= _SINCE_1970 else number
        else:
            when = datetime.fromisoformat(said)
            seconds = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), LONGEST_RESET_S)
