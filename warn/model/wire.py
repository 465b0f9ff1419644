"""Records to bytes and back; what cannot be read raises `UnreadableError`, what is newer `UnknownKindError`."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from warn.model.alerts import DeliveryEvent, DeskRecord, HistoryPoint, IncidentEvent
from warn.model.audit import AuditRecord
from warn.model.mention import Mention, Reading
from warn.model.records import Canary, Clock, DeadLetter, Evidence, Parcel, Signals
from warn.model.rules import RuleSet

encode: Final = msgspec.msgpack.Encoder().encode


def array_of(parts: Sequence[bytes]) -> bytes:
    """An array of what is encoded already."""
    n = len(parts)
    head = bytes((0x90 | n,)) if n < 16 else b"\xdc" + n.to_bytes(2, "big")
    return head + b"".join(parts)


def encode_signals(partition: int, clocks: tuple[Clock, ...], partials: Sequence[bytes]) -> bytes:
    """A record of `[signals]` whose partials are encoded already: the same bytes as of the whole."""
    # Its last field is the partials: of none of them one byte.
    return encode(Signals(partition, clocks))[:-1] + array_of(partials)


_WORD_AT: Final = 11


def written_term(hashed: int, word: str, n: int = 1) -> bytes:
    """A term (hash, how often, word) in msgpack, of which in order of bytes is in order of hashes."""
    return b"\x93\xcf" + hashed.to_bytes(8, "big") + encode(n) + encode(word)


def times(term: bytes, n: int) -> bytes:
    """A term that was written once, as counted `n` times."""
    return term[: _WORD_AT - 1] + encode(n) + term[_WORD_AT:]


def words_of_terms(terms: Sequence[bytes]) -> bytes:
    """The words of terms that were written once, as an array."""
    return array_of([one[_WORD_AT:] for one in terms])


class UnreadableError(ValueError):
    """Bytes that are no record of this Kafka topic."""


class UnknownKindError(ValueError):
    """A record of a kind that a later release writes: to be skipped and counted."""


def _kind(raw: bytes) -> str | None:
    """The tag of a record, or None where it carries none that can be read."""
    try:
        body: Any = msgspec.msgpack.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    tag = body[0] if isinstance(body, list) and body else body.get("type") if isinstance(body, dict) else None
    return tag if isinstance(tag, str) else None


def _decoder(of: Any, *known: str) -> Callable[[bytes], Any]:
    inner = msgspec.msgpack.Decoder(of).decode

    def decode(raw: bytes) -> Any:
        try:
            return inner(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
            kind = _kind(raw) if known else None
            if kind is not None and kind not in known:
                raise UnknownKindError(
                    f"a record of kind {kind!r}, which this release does not know"
                ) from None
            raise UnreadableError(str(e)) from None

    return decode


decode_mentions: Final[Callable[[bytes], Parcel | Clock | Canary]] = _decoder(
    Parcel | Clock | Canary, "p", "c", "canary"
)
decode_signals: Final[Callable[[bytes], Signals | Canary]] = _decoder(Signals | Canary, "s", "canary")
decode_desk: Final[Callable[[bytes], DeskRecord]] = _decoder(
    DeskRecord, "alert", "beat", "article", "tick", "receipt", "canary"
)
decode_incident: Final[Callable[[bytes], IncidentEvent | DeliveryEvent]] = _decoder(
    IncidentEvent | DeliveryEvent, "incident", "delivery"
)
decode_evidence: Final[Callable[[bytes], Evidence]] = _decoder(Evidence)
decode_history: Final[Callable[[bytes], HistoryPoint]] = _decoder(HistoryPoint)
decode_audit: Final[Callable[[bytes], AuditRecord]] = _decoder(
    AuditRecord, "erasure", "deleted", "departed", "blanked"
)
decode_deadletter: Final[Callable[[bytes], DeadLetter]] = _decoder(DeadLetter)
decode_ruleset: Final[Callable[[bytes], RuleSet]] = _decoder(RuleSet)

_loose = msgspec.msgpack.Decoder(tuple[str, tuple[msgspec.Raw, ...], tuple[msgspec.Raw, ...]])
_mention = msgspec.msgpack.Decoder(Mention)
_reading = msgspec.msgpack.Decoder(Reading)


def salvage_parcel(raw: bytes) -> tuple[Parcel, list[tuple[int, bytes, str]]]:
    """Reads a parcel mention by mention: what can be read, and (index, bytes, why) of what cannot.

    Readings are numbered on after the mentions. Raises `UnreadableError` where it is no parcel at all.
    """
    try:
        tag, mentions, readings = _loose.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        raise UnreadableError(str(e)) from None
    if tag != "p":
        raise UnreadableError(f"a record of kind {tag!r} where a parcel belongs")
    good: list[Any] = []
    bad: list[tuple[int, bytes, str]] = []
    for i, one in enumerate((*mentions, *readings)):
        try:
            good.append((_mention if i < len(mentions) else _reading).decode(one))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
            bad.append((i, bytes(one), str(e)))
    return (
        Parcel(
            tuple(x for x in good if isinstance(x, Mention)),
            tuple(x for x in good if isinstance(x, Reading)),
        ),
        bad,
    )
