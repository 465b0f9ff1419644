"""`warn erase`: one author's posts go from everything that is kept, and what they write afterwards is not taken in.

Where records can be changed in place (the embedded bus) nothing is left; on Kafka they are shown no more and go with
their age, and the receipt says when. The receipt is signed with a key made of the installation's secret, and names
nobody: the author stands in it as a keyed hash.
"""

import hmac
from hashlib import blake2b, sha256
from typing import Any, Final

import msgspec

from warn.bus.base import Bus
from warn.bus.topics import RETENTION_S
from warn.ingest.blank import Blanker, Gone, names_of
from warn.ingest.door import bare, hashes_of
from warn.model.audit import Erasure
from warn.model.errors import PermanentError, Reason
from warn.model.flow import AUDIT, DEADLETTERS, EVIDENCE, MENTIONS
from warn.model.hashing import author_hash
from warn.model.records import Evidence
from warn.model.wire import UnknownKindError, UnreadableError, decode_evidence, encode
from warn.stages.base import Out
from warn.telemetry import events

_DAY_S: Final = 86_400
_DAYS: Final = RETENTION_S[MENTIONS] // _DAY_S + 2
"""So many daily hashes an author of a care or internal source may still stand under."""
_BATCH: Final = 500
TEXTS: Final = (MENTIONS, EVIDENCE, DEADLETTERS)


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What was done. `left_days`: by topic, days until what could not be changed in place has gone with its age."""

    at: int
    source: str
    author: str
    """The keyed hash, 16 hex digits."""
    posts: int
    evidence: int
    dead_letters: int
    left_days: dict[str, int]
    signature: str = ""


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to erase, as `warn erase` tells the daemon."""

    source: str
    author: str
    names: tuple[str, ...] = ()


async def asked(bus: Bus, key: bytes, body: bytes, signature: str, now: int) -> bytes:
    """Do what a signed wish asks; gives the receipt as JSON.

    Signed with the installation's secret, so that nobody has people erased who could not read it. Raises
    PermanentError (auth, malformed, config) and what `erase` raises.
    """
    if not hmac.compare_digest(sign_wish(key, body).encode(), signature.encode()):
        raise PermanentError("this wish is not signed with the key of this installation", reason=Reason.AUTH)
    try:
        wish = msgspec.json.decode(body, type=Wish)
    except msgspec.MsgspecError:
        raise PermanentError(
            "JSON with source, author and names is needed", reason=Reason.MALFORMED
        ) from None
    receipt = await erase(bus, key, wish.source, wish.author, wish.names, now)
    return msgspec.json.encode(receipt)


def sign_wish(key: bytes, body: bytes) -> str:
    """HMAC-SHA256 of a wish, in hex."""
    derived = blake2b(b"wish for an erasure", digest_size=32, key=key[:64]).digest()
    return hmac.new(derived, body, sha256).hexdigest()


async def erase(bus: Bus, key: bytes, source: str, author: str, names: tuple[str, ...], now: int) -> Receipt:
    """Erase an author of a source; `names`: what else they are called in texts, besides their handle.

    Raises PermanentError for a name that stands in everything, and what the bus raises; done again, it does no harm.
    """
    if not bare(author):
        raise PermanentError("there is no author without a name", reason=Reason.CONFIG)
    try:
        wanted = names_of(author, *names)
    except ValueError as e:
        raise PermanentError(str(e), reason=Reason.CONFIG) from None
    hashed = author_hash(key, source, bare(author))
    await bus.write([Out(AUDIT, 0, b"", encode(Erasure(now, source, hashed)))])
    days = range(now // _DAY_S - _DAYS, now // _DAY_S + 2)
    gone = Gone(hashes_of(key, source, author, days), frozenset(), wanted)
    blanker = Blanker(gone)
    left: dict[str, int] = {}
    for topic in TEXTS:
        if await bus.rewrite(topic, blanker.of(topic)) is None:
            left[topic] = RETENTION_S[topic] // _DAY_S
    shown = await _shown(bus, blanker)
    await bus.write([Out(EVIDENCE, 0, b"%d" % one.key, encode(one)) for one in shown])
    receipt = Receipt(
        at=now,
        source=source,
        author=f"{hashed:016x}",
        posts=blanker.touched[MENTIONS],
        evidence=len(shown),
        dead_letters=blanker.touched[DEADLETTERS],
        left_days=left,
    )
    events.author_erased(receipt.author, receipt.posts, receipt.evidence, receipt.dead_letters)
    return msgspec.structs.replace(receipt, signature=sign(key, receipt))


async def _shown(bus: Bus, blanker: Blanker) -> list[Evidence]:
    """Tombstones for whatever pages may still show: they hold copies of `[evidence]` of their own."""
    found: dict[tuple[int, str], Evidence] = {}
    gone = blanker.gone
    reader = await bus.follow(EVIDENCE)
    try:
        while records := await reader.read(_BATCH, 0.0):
            for _, _, _, value in records:
                try:
                    one = decode_evidence(value)
                except (UnreadableError, UnknownKindError):
                    continue
                wanted = one.author in gone.authors or one.key in blanker.found
                if wanted or gone.said(one.text, one.url, one.id):
                    found[one.key, one.brand] = Evidence(
                        one.key, one.topic, one.brand, one.source, "delete", "", "", one.created_ms, 0, 0, "",
                        False, "",
                    )  # fmt: skip
    finally:
        await reader.close()
    return list(found.values())


def sign(key: bytes, receipt: Receipt) -> str:
    """HMAC-SHA256 over the receipt without its signature, as JSON with sorted keys."""
    plain: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(receipt, signature=""))
    body = msgspec.json.encode(plain, order="sorted")
    derived = blake2b(b"receipt of an erasure", digest_size=32, key=key[:64]).digest()
    return hmac.new(derived, body, sha256).hexdigest()


def verified(key: bytes, receipt: Receipt) -> bool:
    """Whether this installation gave this receipt."""
    return hmac.compare_digest(sign(key, receipt), receipt.signature)
