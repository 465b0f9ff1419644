"""`warn erase`: one author's posts go from everything that is kept, and what they write afterwards is not taken in.

Where records can be changed in place (the embedded bus) nothing is left; on Kafka they are shown no more and go with
their age, and the receipt says when. The receipt is signed with a key made of the installation's secret, and names
nobody: the author stands in it as a keyed hash.
"""

import asyncio
import hmac
from hashlib import blake2b, sha256
from typing import Any, Final

import msgspec

from warn.app.tombstones import bury
from warn.app.weighing import Weight, weigh
from warn.bus.base import Bus
from warn.bus.topics import RETENTION_S
from warn.ingest.blank import SHORTEST, Blanker, Gone, names_of
from warn.ingest.door import bare, hashes_of
from warn.model.audit import Erasure
from warn.model.errors import PermanentError, Reason
from warn.model.flow import AUDIT, DEADLETTERS, EVIDENCE, MENTIONS
from warn.model.hashing import author_hash
from warn.model.wire import encode
from warn.stages.base import Out
from warn.telemetry import events

_DAY_S: Final = 86_400
_DAYS: Final = RETENTION_S[MENTIONS] // _DAY_S + 2
"""So many daily hashes an author of a care or internal source may still stand under."""
SETTLED_S: Final = 2.0
"""Doors hear of an erasure within a second; what they or match had in hand is on the bus by then."""
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
    """Whom to erase, as `warn erase` tells the daemon. `only_theirs`: texts of others stay, whoever they name. `sure`: a
    person has said so, however much others lose.
    """

    source: str
    author: str
    names: tuple[str, ...] = ()
    only_theirs: bool = False
    sure: bool = False


class Reply(msgspec.Struct, frozen=True):
    """What there was, and the receipt; none: nothing was done, since others would lose much and nobody is sure."""

    weight: Weight
    receipt: Receipt | None = None


async def asked(
    bus: Bus, key: bytes, body: bytes, signature: str, now: int, *, settled_s: float = SETTLED_S
) -> bytes:
    """Do what a signed wish asks, or say why a person should look first; gives a `Reply` as JSON. `settled_s`: as `erase`
    has it.

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
    gone = _gone(key, wish, now)
    weight = await weigh(bus, gone)
    if weight.doubtful and not wish.sure:
        # What the author wrote is not said where nothing is done: nobody may look a person up.
        return msgspec.json.encode(Reply(msgspec.structs.replace(weight, theirs=0)))
    return msgspec.json.encode(Reply(weight, await erase(bus, key, wish, gone, now, settled_s=settled_s)))


def _gone(key: bytes, wish: Wish, now: int) -> Gone:
    """Whom and what is to be looked for. Raises PermanentError for nobody, and for a name that stands in everything."""
    if not bare(wish.author):
        raise PermanentError("there is no author without a name", reason=Reason.CONFIG)
    days = range(now // _DAY_S - _DAYS, now // _DAY_S + 2)
    authors = hashes_of(key, wish.source, wish.author, days)
    if wish.only_theirs:
        return Gone(authors)
    try:
        return Gone(authors, frozenset(), names_of(wish.author, *wish.names))
    except ValueError as e:
        why = f"{e}; --only-theirs erases what this author wrote, and nothing of others"
        raise PermanentError(why, reason=Reason.CONFIG) from None


def sign_wish(key: bytes, body: bytes) -> str:
    """HMAC-SHA256 of a wish, in hex."""
    derived = blake2b(b"wish for an erasure", digest_size=32, key=key[:64]).digest()
    return hmac.new(derived, body, sha256).hexdigest()


async def erase(
    bus: Bus, key: bytes, wish: Wish, gone: Gone, now: int, *, settled_s: float = SETTLED_S
) -> Receipt:
    """Erase an author. What could not be read says not who wrote it, so there it is always what says a name that goes.
    `settled_s`: after so many seconds whoever works beside us has heard of it and committed what was under way; 0 where
    nobody does.

    Raises what the bus raises; done again, it does no harm.
    """
    hashed = author_hash(key, wish.source, bare(wish.author))
    await bus.write([Out(AUDIT, 0, b"", encode(Erasure(now, wish.source, hashed)))])
    blanker = Blanker(gone)
    long = [name for name in (wish.author, *wish.names) if len(name.strip().removeprefix("@")) >= SHORTEST]
    unread = Blanker(gone._replace(names=gone.names or names_of(*long)))
    left: dict[str, int] = {}
    for topic in TEXTS:
        if topic in {MENTIONS, EVIDENCE}:
            await asyncio.sleep(settled_s)  # what doors have let in meanwhile; then what match has made of it
        one = unread if topic == DEADLETTERS else blanker
        if await bus.rewrite(topic, one.of(topic)) is None:
            left[topic] = RETENTION_S[topic] // _DAY_S
    shown = await bury(bus, gone, blanker.found)
    receipt = Receipt(
        at=now,
        source=wish.source,
        author=f"{hashed:016x}",
        posts=blanker.touched[MENTIONS],
        evidence=shown,
        dead_letters=unread.touched[DEADLETTERS],
        left_days=left,
    )
    events.author_erased(receipt.author, receipt.posts, receipt.evidence, receipt.dead_letters)
    return msgspec.structs.replace(receipt, signature=sign(key, receipt))


def sign(key: bytes, receipt: Receipt) -> str:
    """HMAC-SHA256 over the receipt without its signature, as JSON with sorted keys."""
    plain: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(receipt, signature=""))
    body = msgspec.json.encode(plain, order="sorted")
    derived = blake2b(b"receipt of an erasure", digest_size=32, key=key[:64]).digest()
    return hmac.new(derived, body, sha256).hexdigest()


def verified(key: bytes, receipt: Receipt) -> bool:
    """Whether this installation gave this receipt."""
    return hmac.compare_digest(sign(key, receipt), receipt.signature)
