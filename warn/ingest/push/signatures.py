"""Whether a call was sent by whom it says: the signatures of the services that push, over the raw bytes.

Nothing is parsed before this. Every comparison takes the same time whatever is wrong, and tries all secrets, so that one
can be changed while the other still counts. A time that a scheme signs has to be within five minutes of ours, and is
looked at after the signature: only then does it say something about a clock.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, Literal, NamedTuple

from warn.ingest.connector import Call

Scheme = Literal[
    "standard", "slack", "meta", "x", "zendesk", "linkedin", "pagerduty", "telegram", "token", "graph", "none"
]
WINDOW_S: Final = 300
MOST_SIGNATURES: Final = 16
"""Of one header: while a sender changes its secret there are two."""
MOST_ID: Final = 256
_FROM_A_PAGE: Final = ("origin", "sec-fetch-site")
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip")
_NONE: Final = b"-"

Network = IPv4Network | IPv6Network


class Seal(NamedTuple):
    """How calls to one place are told to be genuine. `header`: instead of the scheme's own (`meta`, `token`).

    `networks`: from where an unsigned call may come, besides this machine.
    """

    scheme: str
    keys: tuple[bytes, ...] = ()
    header: str = ""
    networks: tuple[Network, ...] = ()


class Verified(NamedTuple):
    """`why` is "" for a genuine call. `once`: what is signed, by name, so that the same call is taken once.

    `same`: it is named by its text alone, so that two calls that say the same are one.
    """

    why: str = ""
    once: str = ""
    same: bool = False


def key_of(scheme: str, secret: str) -> bytes:
    """The key that a secret stands for. Raises ValueError, which does not quote it."""
    if scheme == "standard":
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except ValueError:
            key = b""
        if not secret.startswith("whsec_") or not 24 <= len(key) <= 64:
            raise ValueError(
                "a secret of scheme `standard` is whsec_ and the base64 of 24 to 64 random bytes"
            )
        return key
    if not 6 <= len(secret) <= 512 or not secret.isascii() or not secret.isprintable():
        raise ValueError("a secret is 6 to 512 plain characters")
    return secret.encode()


def verify(seal: Seal, call: Call) -> Verified:
    """Whether the call is genuine. Takes as long for one secret that is wrong as for another."""
    if seal.scheme == "none":
        return Verified(_from_afar(seal, call), _named(call))
    if seal.scheme in {"telegram", "token"}:
        return Verified(_same_token(seal, call), _named(call))
    if seal.scheme == "graph":  # its secret stands in the body
        return Verified(once=_named(call))
    return _signed(_SCHEMES[seal.scheme], seal, call)


def _hex(digest: bytes) -> bytes:
    return digest.hex().encode()


class _Mac(NamedTuple):
    """A scheme that signs. `stamp`: the header with the signed time, `iso`: a date, not seconds."""

    header: str
    prefix: bytes
    write: Callable[[bytes], bytes]
    between: str = ""
    stamp: str = ""
    iso: bool = False
    before: bytes = b""
    """Signed in front of the body; {id} and {ts} stand for what the headers say."""


_SCHEMES: Final = {
    "standard": _Mac(
        "webhook-signature", b"v1,", base64.b64encode, " ", "webhook-timestamp", before=b"{id}.{ts}."
    ),
    "slack": _Mac("x-slack-signature", b"v0=", _hex, "", "x-slack-request-timestamp", before=b"v0:{ts}:"),
    "meta": _Mac("x-hub-signature-256", b"sha256=", _hex),
    "x": _Mac("x-twitter-webhooks-signature", b"sha256=", base64.b64encode),
    "zendesk": _Mac(
        "x-zendesk-webhook-signature",
        b"",
        base64.b64encode,
        "",
        "x-zendesk-webhook-signature-timestamp",
        iso=True,
        before=b"{ts}",
    ),
    "linkedin": _Mac("x-li-signature", b"", _hex, before=b"hmacsha256="),
    "pagerduty": _Mac("x-pagerduty-signature", b"v1=", _hex, ","),
}


def _signed(mac: _Mac, seal: Seal, call: Call) -> Verified:
    header = seal.header or mac.header
    given = _plain(call.headers.get(header, ""))
    stamp = _plain(call.headers.get(mac.stamp, "")) if mac.stamp else b""
    name = _plain(call.headers.get("webhook-id", "")) if b"{id}" in mac.before else b""
    text = mac.before.replace(b"{ts}", stamp[:64]).replace(b"{id}", name[:MOST_ID]) + call.body
    found = _matches(mac, seal.keys, text, given)
    at = _seconds(stamp.decode(), iso=mac.iso) if mac.stamp else call.at
    if not given:
        return Verified(f"no header {header}")
    if mac.stamp and not stamp:
        return Verified(f"no header {mac.stamp}")
    if b"{id}" in mac.before and (not name or b"." in name or len(name) > MOST_ID):
        # With a dot in it, one signature would do for another id, time and body.
        return Verified("no webhook-id, or one with a dot in it")
    if at is None:
        return Verified(f"{mac.stamp}: no time")
    if not found:
        return Verified("the signature is not of our secret, or the body is not what was signed")
    if abs(call.at - at) > WINDOW_S:
        return Verified(
            f"well signed, but {abs(call.at - at):.0f} s {'behind' if at < call.at else 'ahead of'} our time: "
            "a repeat from long ago, or a clock that is wrong, perhaps ours"
        )
    return Verified(
        once=name.decode() or hashlib.blake2b(text, digest_size=16).hexdigest(), same=not (name or mac.stamp)
    )


def _named(call: Call) -> str:
    """What a sender that signs nothing calls this call by, "" where it does not: who may send may say so."""
    name = _plain(call.headers.get("webhook-id", ""))
    return name.decode() if len(name) <= MOST_ID else ""


def _matches(mac: _Mac, keys: Sequence[bytes], text: bytes, given: bytes) -> bool:
    signatures = given.split(mac.between.encode()) if mac.between else [given]
    wanted = [mac.prefix + mac.write(hmac.new(key, text, hashlib.sha256).digest()) for key in keys]
    found = False
    for one in signatures[:MOST_SIGNATURES]:
        for expected in wanted:
            found |= hmac.compare_digest(expected, one.strip() or _NONE)
    return found


def _same_token(seal: Seal, call: Call) -> str:
    """Why it is not ours: a token that is sent along as it is, and says nothing of the body."""
    if seal.scheme == "telegram":
        headers = ["x-telegram-bot-api-secret-token"]
    else:
        headers = [seal.header] if seal.header else ["authorization", "x-warn-token"]
    found = there = False
    for header in headers:
        value = _plain(call.headers.get(header, ""))
        there |= bool(value)
        token = _of_authorization(value) if header == "authorization" else value
        for key in seal.keys:
            found |= hmac.compare_digest(key, token or _NONE)
    if not there:
        return f"no header {' or '.join(headers)}"
    return "" if found else "the token is not ours"


def _of_authorization(value: bytes) -> bytes:
    """The token of `Bearer token`, or the password of `Basic`."""
    kind, _, rest = value.partition(b" ")
    if kind.lower() == b"bearer":
        return rest.strip()
    if kind.lower() != b"basic":
        return b""
    try:
        return base64.b64decode(rest.strip(), validate=True).partition(b":")[2]
    except binascii.Error:
        return b""


def same_state(keys: Sequence[bytes], states: Sequence[object]) -> bool:
    """Microsoft Graph: every notification of a call carries the `clientState` that was agreed."""
    good = bool(states)
    for state in states:
        given = _plain(state) if isinstance(state, str) else b""
        found = False
        for key in keys:
            found |= hmac.compare_digest(key, given or _NONE)
        good &= found
    return good


def _from_afar(seal: Seal, call: Call) -> str:
    """Why an unsigned call is not taken: a web page in a browser on this machine could send one too."""
    if any(name in call.headers for name in _FROM_A_PAGE):
        return "unsigned, and sent by a web page"
    peer = _address(call.peer)
    if peer is not None and any(peer in network for network in seal.networks):
        return ""
    if peer is None or not peer.is_loopback:
        return "unsigned, and from an address that is not listed in `addresses`"
    if any(name in call.headers for name in _FORWARDED):
        return "unsigned, and handed on by a proxy that is not listed in `addresses`"
    return ""


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        ip = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip


def _plain(value: str) -> bytes:
    """A header's bytes; what is not plain ASCII is no signature and no time."""
    return value.encode() if value.isascii() else b""


def _seconds(text: str, *, iso: bool) -> float | None:
    """A signed time. Only ASCII gets here, so digits are digits."""
    if not iso:
        return float(text) if text.isdigit() and len(text) <= 12 else None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
