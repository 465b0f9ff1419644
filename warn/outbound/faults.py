"""What went wrong on the way, in words that hold no address and no key."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpcore2
import httpx2

from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError
from warn.outbound.guard import BlockedError
from warn.outbound.pieces import MOST_HEAD, FloodError

_UNTRUSTED: Final = "if it is a machine of yours, let an authority sign it that this machine trusts, or have this machine trust it"
_CERTIFICATE: Final = {
    9: ("it is not valid yet", "see whether the clock of this machine is right"),
    10: ("it has expired", "whoever runs it has to renew it; see whether the clock of this machine is right"),
    18: ("it vouches for itself", _UNTRUSTED),
    19: ("it vouches for itself", _UNTRUSTED),
    20: ("nobody we know vouches for it", _UNTRUSTED),
    21: ("nobody we know vouches for it", _UNTRUSTED),
    62: ("it is for another name", "see whether the address is right"),
    64: ("it is for another address", "see whether the address is right"),
}
"""By OpenSSL's number what is wrong, and what to do; its own words hold the name that was asked for."""
_BROKE: Final = ("Server disconnected", "peer closed connection")


@contextmanager
def told(place: str) -> Iterator[None]:
    """Whatever the HTTP library raises inside becomes a WarnError, and drags nothing behind it.

    A cancellation passes as it is. So does a WarnError, of which only what it drags is dropped.
    """
    wrong: WarnError | None = None
    try:
        yield
    except WarnError as e:
        wrong = e
    except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, UnicodeError) as e:
        wrong = broken(place, e)
    except (httpcore2.ProtocolError, httpcore2.NetworkError, httpcore2.TimeoutException, OSError) as e:
        wrong = broken(place, e)
    if wrong is not None:
        try:
            raise wrong
        finally:
            # The interpreter hangs on the new error what is being handled further out: the library's error, with its
            # address and headers.
            wrong.__cause__ = wrong.__context__ = None


def broken(place: str, error: BaseException) -> WarnError:
    """What this error means to a connector."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, WarnError):
            return cause
        if isinstance(cause, BlockedError):
            return PermanentError(
                f"{place}: its address is not of the open internet, so it is not dialled; if it is yours, list it under "
                "`inside` as host:port",
                reason=Reason.HOSTILE,
            )
        if isinstance(cause, FloodError):
            return PermanentError(
                f"{place}: it sends more than {MOST_HEAD:,} bytes before its answer begins, as one does that means harm",
                reason=Reason.HOSTILE,
            )
        if isinstance(cause, ssl.SSLCertVerificationError):
            why, remedy = _CERTIFICATE.get(cause.verify_code, ("it does not hold", _UNTRUSTED))
            return TemporaryError(
                f"{place}: its certificate is not accepted ({why}); {remedy}", reason=Reason.NETWORK
            )
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLWantReadError):
            return TemporaryError(f"{place}: no TLS can be agreed on with it", reason=Reason.NETWORK)
    return _plain(place, causes)


def _plain(place: str, causes: list[BaseException]) -> WarnError:
    outermost = next((one for one in causes if not isinstance(one, BaseExceptionGroup)), causes[0])
    if isinstance(outermost, (TimeoutError, httpx2.TimeoutException, httpcore2.TimeoutException)):
        return TemporaryError(f"{place}: no answer in time", reason=Reason.TIMEOUT)
    if isinstance(outermost, (httpx2.InvalidURL, httpx2.UnsupportedProtocol, UnicodeError)):
        return PermanentError(f"{place}: the address cannot be used", reason=Reason.CONFIG)
    if isinstance(outermost, httpx2.LocalProtocolError):
        return PermanentError(f"{place}: the address or a key cannot be sent as it is", reason=Reason.CONFIG)
    if isinstance(outermost, httpx2.SSEError):
        return TemporaryError(f"{place}: what it sends are no events", reason=Reason.MALFORMED)
    if isinstance(outermost, (httpx2.RemoteProtocolError, httpcore2.RemoteProtocolError)):
        if str(outermost).startswith(_BROKE):
            return TemporaryError(f"{place}: the connection broke", reason=Reason.NETWORK)
        return TemporaryError(f"{place}: what it answers is no HTTP", reason=Reason.MALFORMED)
    if isinstance(outermost, (httpx2.ConnectError, httpcore2.ConnectError)):
        return TemporaryError(f"{place}: cannot be reached", reason=Reason.NETWORK)
    return TemporaryError(f"{place}: the connection broke", reason=Reason.NETWORK)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it, groups opened."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
        waiting += [one.__cause__, one.__context__]
