"""What a service does when it goes wrong, one function each, and what a connector must make of it."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from email.utils import formatdate
from time import time
from typing import Final, Literal, NamedTuple

from tests.contract.connectors.certificates import Flaw
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError

PLANTED: Final = "planted-f00d"
"""Stands in every answer that goes wrong; what a service says to an error may quote our key, so nobody repeats it."""

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Made = Callable[[str], Handle]
"""Given the address of a place that nobody allowed."""


class Expected(NamedTuple):
    """The error that a fault must become."""

    error: type[WarnError]
    reasons: Collection[Reason]
    retry_after_s: float | None = None


class Fault(NamedTuple):
    """`handle` is None where nobody listens. `unanswered`: only a deadline ends it. `tls`: asked for https; what is wrong
    with the certificate, `none` where the server speaks no TLS. `says`: words that the error must hold.
    """

    handle: Made | None
    expected: Expected
    unanswered: bool = False
    refuses_us: bool = False
    tls: Literal["", "none"] | Flaw = ""
    says: Sequence[str] = ()


def answers(status: int, headers: Callable[[], Mapping[str, str]] = dict, body: bytes = b"") -> Made:
    """Each request gets this."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await _request(reader):
            writer.write(_head(status, {**headers(), "content-length": str(len(body))}) + body)
            await writer.drain()

    return lambda _: handle


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {PLANTED}",
        f"x-marker: {PLANTED}",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


async def _request(reader: asyncio.StreamReader) -> bool:
    """One request with its body; False at the end."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            await reader.readexactly(int(value))
    return bool(head)


def _status(status: int, headers: Callable[[], Mapping[str, str]] = dict) -> Made:
    return answers(status, headers, b'{"error": "%s"}' % PLANTED.encode())


def _redirects(where: Callable[[str], str]) -> Made:
    return lambda forbidden: _status(302, lambda: {"location": where(forbidden)})(forbidden)


async def _not_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"220 " + PLANTED.encode() + b" ESMTP ready, who are you?\r\n\x00\xff\xfe\r\n\r\n")
    await writer.drain()


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts, and never answers."""
    while await reader.read(65_536):
        pass


async def _drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    for byte in data:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.05)


async def _drips_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    await _drip(writer, _head(200, {"content-length": "2", "x-long": "x" * 4_000}))


async def _drips_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(_head(200, {"content-type": "application/json", "content-length": "5000"}))
    await _drip(writer, b'{"text": "' + b"x" * 4_000)


async def _giant(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """64 MB, and no word on how much it will be."""
    await _request(reader)
    writer.write(_head(200, {"content-type": "application/json", "connection": "close"}))
    for _ in range(1024):
        writer.write(b" " * 65_536)
        await writer.drain()


def _packed_giant() -> Made:
    """64 MB of blanks, packed into 64 kB."""
    return answers(
        200,
        lambda: {"content-type": "application/json", "content-encoding": "gzip"},
        gzip.compress(b" " * (64 << 20), 6),
    )


async def _ends_in_the_middle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(
        _head(200, {"content-type": "application/json", "content-length": "5000"}) + b'{"text": "Acm'
    )
    await writer.drain()


async def _hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)


async def _resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.transport.abort()


def _just(handle: Handle) -> Made:
    return lambda _: handle


def _temporary(*reasons: Reason, after_s: float | None = None) -> Expected:
    return Expected(TemporaryError, frozenset(reasons), after_s)


def _permanent(*reasons: Reason) -> Expected:
    return Expected(PermanentError, frozenset(reasons))


def _certificate(wrong: Flaw, *says: str) -> Fault:
    return Fault(
        _status(200), _temporary(Reason.NETWORK), tls=wrong, says=("its certificate is not accepted", *says)
    )


# Streams and POSTs follow no redirect at all, so that they cannot tell where one leads.
_ROUND: Final = _permanent(Reason.CONFIG, Reason.CLIENT)
_INWARD: Final = _permanent(Reason.HOSTILE, Reason.CONFIG, Reason.CLIENT)
_BROKEN: Final = _temporary(Reason.NETWORK, Reason.MALFORMED)

FAULTS: Final[Mapping[str, Fault]] = {
    "401": Fault(_status(401), _temporary(Reason.AUTH), refuses_us=True),
    "403": Fault(_status(403), _temporary(Reason.AUTH), refuses_us=True),
    "404": Fault(_status(404), _permanent(Reason.CLIENT)),
    "410": Fault(_status(410), _permanent(Reason.GONE)),
    "429, seconds": Fault(
        _status(429, lambda: {"retry-after": "37"}), _temporary(Reason.RATE_LIMITED, after_s=37)
    ),
    "429, a date": Fault(
        _status(429, lambda: {"retry-after": formatdate(time() + 120, usegmt=True)}),
        _temporary(Reason.RATE_LIMITED, after_s=120),
    ),
    "429, at once": Fault(
        _status(429, lambda: {"retry-after": "0"}), _temporary(Reason.RATE_LIMITED, after_s=0)
    ),
    "429, counted anew": Fault(
        _status(429, lambda: {"x-ratelimit-reset": str(int(time()) + 120)}),
        _temporary(Reason.RATE_LIMITED, after_s=120),
    ),
    "500": Fault(_status(500), _temporary(Reason.SERVER)),
    "503, seconds": Fault(_status(503, lambda: {"retry-after": "41"}), _temporary(Reason.SERVER, after_s=41)),
    "no HTTP": Fault(_just(_not_http), _BROKEN),
    "garbage in HTTP": Fault(
        answers(200, lambda: {"content-type": "text/html"}, b"<!doctype html>\x00\xff<p>" + PLANTED.encode()),
        Expected(WarnError, frozenset({Reason.MALFORMED})),
    ),
    "half-open": Fault(_just(_silent), _temporary(Reason.TIMEOUT), unanswered=True),
    "slow head": Fault(_just(_drips_head), _temporary(Reason.TIMEOUT), unanswered=True),
    "slow body": Fault(_just(_drips_body), _temporary(Reason.TIMEOUT), unanswered=True),
    "redirect to itself": Fault(_redirects(lambda _: "/again"), _ROUND),
    "redirect to cloud metadata": Fault(
        _redirects(lambda _: "http://169.254.169.254/latest/meta-data/"), _INWARD
    ),
    "redirect inside": Fault(_redirects(lambda forbidden: f"{forbidden}/admin"), _INWARD),
    "giant body": Fault(_just(_giant), _permanent(Reason.HOSTILE)),
    "giant body, packed": Fault(_packed_giant(), _permanent(Reason.HOSTILE)),
    "certificate, expired": _certificate("expired", "it has expired", "has to renew it", "clock"),
    "certificate, not yet valid": _certificate("not yet valid", "it is not valid yet", "clock"),
    "certificate, another name": _certificate("another name", "it is for another", "see whether the address"),
    "certificate, self-signed": _certificate(
        "self-signed", "it vouches for itself", "have this machine trust it"
    ),
    "certificate, nobody's": _certificate("nobody's", "nobody we know", "have this machine trust it"),
    "no TLS": Fault(_just(_not_http), _temporary(Reason.NETWORK), tls="none", says=("no TLS",)),
    "nobody listens": Fault(None, _temporary(Reason.NETWORK)),
    "ends in the middle": Fault(_just(_ends_in_the_middle), _BROKEN),
    "hangs up": Fault(_just(_hangs_up), _BROKEN),
    "resets": Fault(_just(_resets), _BROKEN),
}

_NO_STREAM: Final = Expected(WarnError, frozenset({Reason.MALFORMED}))
STREAM: Final[Mapping[str, Expected | None]] = {
    # What answers, but not with a stream, is not read any further.
    **dict.fromkeys(("slow body", "giant body", "giant body, packed", "ends in the middle"), _NO_STREAM),
    **dict.fromkeys(
        ("redirect to itself", "redirect to cloud metadata", "redirect inside"),
        _permanent(Reason.CLIENT, Reason.CONFIG, Reason.MALFORMED),
    ),
}
"""What is different for a connector that begins with a stream."""
