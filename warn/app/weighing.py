"""What an erasure would take, counted before it is done: texts of the author, and texts of others that say their name.

Whose handle is a common word, the brand, or what a topic looks for, would take half of what is kept along. So it is
counted first, and where others would lose much, a person has to say that this is meant.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from typing import Final, NamedTuple

import msgspec

from warn.bus.base import Bus
from warn.bus.rulesets import RuleSets
from warn.ingest.blank import Gone
from warn.match.fold import fold
from warn.model.flow import EVIDENCE, MENTIONS
from warn.model.records import Parcel
from warn.model.rules import RuleSet
from warn.model.wire import UnknownKindError, UnreadableError, decode_evidence, decode_mentions

FEW: Final = 5
"""So many texts of others are never asked about, unless it is a name of ours that they say."""
MANY: Final = 100
SHARE: Final = 0.01
_BATCH: Final = 20
"""Parcels hold up to a thousand mentions each, and other work waits meanwhile."""


class Named(msgspec.Struct, frozen=True):
    """A name as it is looked for; `texts` of others that say it; `ours`: a brand or a word that a topic looks for."""

    name: str
    texts: int
    ours: bool


class Weight(msgspec.Struct, frozen=True, kw_only=True):
    """Of `kept` texts, as mentions or shown with incidents, `theirs` are the author's; `others` say one of the names."""

    kept: int
    theirs: int
    others: int
    names: tuple[Named, ...] = ()

    @property
    def doubtful(self) -> bool:
        """Whether this takes more of others than a name of one person should."""
        much = self.others >= FEW and (self.others >= MANY or self.others > SHARE * self.kept)
        return much or any(one.texts and one.ours for one in self.names)


class _Text(NamedTuple):
    author: int
    said: tuple[str, str, str]


async def weigh(bus: Bus, gone: Gone) -> Weight:
    """Go through all texts that are kept, and change nothing. Raises what the bus raises."""
    kept = theirs = others = 0
    says: Counter[str] = Counter()
    one_by_one = [(name, Gone(names=(name,))) for name in gone.names]
    async for text in _texts(bus):
        kept += 1
        if text.author in gone.authors:
            theirs += 1
            continue
        found = [name for name, one in one_by_one if one.said(*text.said)]
        says.update(found)
        others += bool(found)
    ours = await _ours(bus)
    names = tuple(Named(name, says[name], name in ours) for name in gone.names)
    return Weight(kept=kept, theirs=theirs, others=others, names=names)


async def _texts(bus: Bus) -> AsyncIterator[_Text]:
    for topic in (MENTIONS, EVIDENCE):
        reader = await bus.follow(topic)
        try:
            while records := await reader.read(_BATCH, 0.0):
                for _, _, _, value in records:
                    for text in _of(topic, value):
                        if any(text.said):
                            yield text
                await asyncio.sleep(0)
        finally:
            await reader.close()


def _of(topic: str, value: bytes) -> Iterable[_Text]:
    try:
        if topic == EVIDENCE:
            one = decode_evidence(value)
            return [_Text(one.author, (one.text, one.url, one.id))] if one.kind != "delete" else []
        record = decode_mentions(value)
    except (UnreadableError, UnknownKindError):
        return []
    mentions = record.mentions if isinstance(record, Parcel) else ()
    return [_Text(one.author, (one.text, one.url, one.id)) for one in mentions]


async def _ours(bus: Bus) -> frozenset[str]:
    """Folded: brands, what topics look for, and each word of either."""
    rulesets = RuleSets(bus)
    try:
        await rulesets.load()
        newest = rulesets.latest
    finally:
        await rulesets.close()
    found = {fold(said) for said in (_said(newest) if newest else ())}
    return frozenset(found | {word for said in found for word in said.split()})


def _said(ruleset: RuleSet) -> Iterable[str]:
    for rule in ruleset.rules:
        yield rule.brand
    for topic in ruleset.topics:
        near = [term for one in topic.near for term in one.words]
        for term in (*topic.any, *topic.all, *near):
            if term.kind != "regex":
                yield term.text.lstrip("@#$")
