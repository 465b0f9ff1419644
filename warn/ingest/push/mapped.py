"""What a mapping makes of a body: mentions, readings, and a refusal with its reason for everything else."""

import json
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Map
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from warn.ingest.connector import Batch, Refused
from warn.ingest.entry import MAX_COUNT, RefusedError, check
from warn.ingest.push.mapping import WHOLE, Condition, Mapping, MentionRule, ReadingRule, Refusal, hold
from warn.ingest.push.path import Chain, walk
from warn.ingest.push.times import Moment, moment
from warn.ingest.push.value import Context, Value, text_of
from warn.model.mention import COUNTED, Engagement, Item, Reading

MOST_ELEMENTS: Final = 5_000
"""Of one call, with what stands within them: a mebibyte of the shortest mentions is not much more."""
MOST_PAYLOADS: Final = 50
"""Refusals of one call that keep the piece they are about."""
PAYLOAD: Final = 4_096
MOST_SIGNAL: Final = 200
UNDATED: Final = (
    "at: a reading without a time, of a scheme that signs none: the same number again would be taken for a repeat. "
    "Send its time, or use scheme `standard` or `token`"
)


class CrowdedError(ValueError):
    """A call with more elements than one may have."""


class Terms(NamedTuple):
    """`source`: where nothing else is said. `only`: conditions that all elements have to meet. `keeps`: whether what
    cannot be read may be put aside as it is; not what staff and customers say. `undated`: whether a reading without a time
    of its own is taken; not where the next call of the same text is held to be a repeat.
    """

    name: str
    source: str
    only: tuple[Condition, ...] = ()
    keeps: bool = True
    settings: Map[str, str] = MappingProxyType({})
    undated: bool = True


class Made(NamedTuple):
    """`once`: what the sender calls this delivery by, "" where the mapping does not say."""

    batch: Batch
    once: str = ""


def apply(mapping: Mapping, body: Any, at: float, terms: Terms) -> Made:
    """What the body says. Raises CrowdedError, and nothing else whatever the body is."""
    name = text_of(mapping.once(Context((body,), at, terms.settings))) if mapping.once else None
    made = _Making(mapping, at, terms._replace(undated=terms.undated or bool(name)))
    places = [path for path in mapping.each if path != WHOLE]
    chains = (chain for path in places for chain in walk(path, (body,), MOST_ELEMENTS + 1))
    for number, chain in enumerate(chains):
        made.element(number, chain)
    if not made.elements and WHOLE in mapping.each:
        made.element(0, (body,))
    if not made.elements:
        made.refuse("", "nothing stands where the mapping looks for elements", body)
    return Made(made.batch(), (name or "")[:256])


class _Making:
    """One call while it is read."""

    def __init__(self, mapping: Mapping, at: float, terms: Terms) -> None:
        self._mapping, self._at, self._terms = mapping, at, terms
        self._items: list[Item] = []
        self._readings: list[Reading] = []
        self._refused: list[Refused] = []
        self._kept = 0
        self.elements = 0

    def batch(self) -> Batch:
        return Batch(items=tuple(self._items), readings=tuple(self._readings), refused=tuple(self._refused))

    def element(self, number: int, chain: Chain) -> None:
        """One element, by every rule that fits."""
        context = self._context(chain)
        where = f" element {number}"
        if self._unwanted(where, context, self._mapping.refuse, self._terms.only):
            return
        fits = False
        rules: tuple[MentionRule | ReadingRule, ...] = (*self._mapping.mentions, *self._mapping.readings)
        for rule in rules:
            if not hold(rule.when, context):
                continue
            fits = True
            if rule.each is None:
                self._one(where, rule, context)
                continue
            for one in walk(rule.each, chain, MOST_ELEMENTS + 1):
                self._one(where, rule, self._context(one))
        if not fits:
            self.refuse(where, "no rule of the mapping fits it", chain[-1])
        if self._mapping.within is not None:
            for inner in walk(self._mapping.within, chain, MOST_ELEMENTS + 1):
                self.element(number, inner)

    def _context(self, chain: Chain) -> Context:
        self.elements += 1
        if self.elements > MOST_ELEMENTS:
            raise CrowdedError(f"more than {MOST_ELEMENTS:,} elements in one call")
        return Context(chain, self._at, self._terms.settings)

    def _unwanted(
        self, where: str, context: Context, refusals: tuple[Refusal, ...], only: tuple[Condition, ...] = ()
    ) -> bool:
        """Whether it was understood and is not wanted; of that nothing is kept."""
        for one in refusals:
            if hold(one.when, context):
                self._refused.append(Refused(self._terms.name + where, one.why, b""))
                return True
        if not hold(only, context):
            self._refused.append(Refused(self._terms.name + where, "not what `only` lets in", b""))
            return True
        return False

    def _one(self, where: str, rule: MentionRule | ReadingRule, context: Context) -> None:
        if self._unwanted(where, context, rule.refuse):
            return
        try:
            if isinstance(rule, MentionRule):
                item = _mention(rule, context, self._terms.source)
                check(item)
                self._items.append(item)
            else:
                self._readings.append(_reading(rule, context, self._terms))
        except RefusedError as e:
            self.refuse(where, str(e), context.chain[-1])

    def refuse(self, where: str, why: str, piece: Any) -> None:
        """Put aside what could not be read."""
        payload = b""
        if self._terms.keeps and self._kept < MOST_PAYLOADS:
            self._kept += 1
            payload = first_of(piece)
        self._refused.append(Refused(self._terms.name + where, why, payload))


def first_of(piece: Any) -> bytes:
    """The first 4 kB of a piece, as JSON."""
    taken, length = [], 0
    for part in json.JSONEncoder().iterencode(piece):
        taken.append(part[: PAYLOAD - length])
        length += len(part)
        if length >= PAYLOAD:
            break
    return "".join(taken).encode()


def _mention(rule: MentionRule, context: Context, source: str) -> Item:
    """Raises RefusedError."""
    created = _moment("created", rule.created, context)
    texts = dict(_texts(rule, context))
    name = texts.pop("id")
    if not name:
        raise RefusedError("id: is not there")
    answered = texts.pop("reply_to")
    kind = text_of(rule.kind(context))
    if kind is None:
        raise RefusedError("kind: the mapping has no word for what stands there")
    return Item(
        source=texts.pop("source") or source,
        id=name,
        created_ms=created.ms,
        kind=kind,
        dated_by="seen" if created.arrival else "created",
        followers=_count(rule.followers, context),
        engagement=_engagement(rule, context),
        reply_to=None if answered == name else answered,
        **texts,
    )


def _texts(rule: MentionRule, context: Context) -> Iterator[tuple[str, Any]]:
    for field in ("id", "source", "author", "text", "url", "lang", "thread", "reshare_of", "reply_to"):
        value: Value | None = getattr(rule, field)
        found = None if value is None else value(context)
        text = text_of(found)
        if found is not None and text is None:
            raise RefusedError(f"{field}: {_what(found)}, where text belongs")
        yield field, text or None


def _reading(rule: ReadingRule, context: Context, terms: Terms) -> Reading:
    """Raises RefusedError."""
    at = _moment("at", rule.at, context)
    if at.arrival and not terms.undated:
        raise RefusedError(UNDATED)
    number = _number(rule.value(context))
    if number is None or number < 0:
        raise RefusedError("value: no number, or one below zero")
    topic, signal = text_of(rule.topic(context)), text_of(rule.signal(context))
    if not topic or not signal:
        raise RefusedError("topic, signal: not there; set `topic: brand/topic` for the connector")
    named = (None if rule.source is None else text_of(rule.source(context))) or terms.source
    if max(len(topic), len(signal), len(named)) > MOST_SIGNAL or "\0" in topic + signal + named:
        raise RefusedError("topic, signal, source: too long, or no text")
    return reading(named, topic, signal, at.ms, _number(rule.interval_s(context)), number)


def reading(
    source: str, topic: str, signal: str, at_ms: int, interval: float | None, value: float
) -> Reading:
    """A reading within bounds. Raises RefusedError."""
    if signal not in COUNTED:
        raise RefusedError(f"signal: none of {', '.join(COUNTED)}")
    try:
        f"{source}{topic}{signal}".encode()
    except UnicodeEncodeError:
        raise RefusedError("topic, signal, source: a lone surrogate, which is not valid Unicode") from None
    if interval is None or not 1 <= interval <= 86_400:
        raise RefusedError("interval_s: seconds from 1 to 86,400")
    return Reading(source, topic, signal, at_ms, int(interval), round(min(value, MAX_COUNT) * 1000))


def _moment(name: str, value: Value, context: Context) -> Moment:
    found = value(context)
    at = None if found is None else moment(found)
    if at is None:
        what = "is not there, or is no time" if found is None else "is no time from 1970 to 9999"
        raise RefusedError(f"{name}: {what}")
    return at


def _engagement(rule: MentionRule, context: Context) -> Engagement | None:
    if rule.engagement is None:
        return None
    totals = rule.engagement
    told = [_count(v, context) for v in (totals.likes, totals.replies, totals.shares, totals.views)]
    if all(one is None for one in told):
        return None
    likes, replies, shares, views = (one or 0 for one in told)
    return (likes, replies, shares, views)


def _count(value: Callable[[Context], Any] | None, context: Context) -> int | None:
    number = None if value is None else _number(value(context))
    return None if number is None else int(min(max(number, 0), MAX_COUNT))


def _number(value: Any) -> float | int | None:
    """A number, as itself or as text; None for what is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and 0 < len(value) <= 40 and value.isascii():
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, int) or (isinstance(value, float) and value - value == 0):
        return value
    return None


def _what(value: Any) -> str:
    return (
        "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else "nothing known"
    )
