"""What went wrong on the way, in words that hold no address and no key."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpcore2
import httpx2

from warn.ingest.outbound.guard import BlockedError
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError


@contextmanager
def told(place: str) -> Iterator[None]:
    """Whatever the HTTP library raises inside becomes a WarnError, and drags nothing behind it."""
    wrong: WarnError | None = None
    try:
        yield
    except (TimeoutError, httpx2.TimeoutException):
        wrong = TemporaryError(f"{place}: no answer in time", reason=Reason.TIMEOUT)
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, UnicodeError):
        wrong = PermanentError(f"{place}: the address cannot be used", reason=Reason.CONFIG)
    except httpx2.RemoteProtocolError:
        wrong = TemporaryError(f"{place}: what it answers is no HTTP", reason=Reason.MALFORMED)
    except (httpx2.TransportError, httpcore2.NetworkError) as e:
        wrong = _network(place, e)
    if wrong is not None:
        # Outside of the handlers, so that no error drags the library's, with its address, behind it.
        raise wrong


def _network(place: str, error: BaseException) -> WarnError:
    for cause in _causes(error):
        if isinstance(cause, BlockedError):
            return PermanentError(
                f"{place}: its address is not of the open internet, so it is not dialled; if it is yours, list it under "
                "`inside` as host:port",
                reason=Reason.HOSTILE,
            )
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = cause.verify_message.rstrip(".") or "it does not hold"
            return TemporaryError(f"{place}: its certificate is not accepted ({why})", reason=Reason.NETWORK)
        if isinstance(cause, ssl.SSLError):
            return TemporaryError(f"{place}: no TLS can be agreed on with it", reason=Reason.NETWORK)
    if isinstance(error, (httpx2.ConnectError, httpcore2.ConnectError)):
        return TemporaryError(f"{place}: cannot be reached", reason=Reason.NETWORK)
    return TemporaryError(f"{place}: the connection broke", reason=Reason.NETWORK)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__
