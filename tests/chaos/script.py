"""What the world says in a chaos test: so many mentions, a clock in every partition each second, rules that change once.

The script is fixed by its seed. It is what collect would have written, cut into the steps in which a loader commits it:
one step a second of event time, the clocks of that second before its parcels, and its tick for `[desk]`.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import merge
from typing import Final

import msgspec

from connectors.simulate.brands import ACME, BOREALIS, LUMEN, Brand
from connectors.simulate.crisis import crisis
from connectors.simulate.town import Town
from warn.bus.rulesets import config_record
from warn.ingest.clock import clock_records
from warn.ingest.door import Door
from warn.ingest.inforce import InForce
from warn.ingest.memory import Memory
from warn.ingest.order import order_key, seen_at
from warn.ingest.parcels import pack
from warn.match.matcher import Matcher
from warn.model.flow import MENTIONS
from warn.model.hashing import PUBLIC_KEY, content_hash
from warn.model.mention import Item, Mention
from warn.model.rules import RuleSet
from warn.model.wire import encode
from warn.rulefile.draft import draft
from warn.rulefile.load import check_text
from warn.stages.base import Out

KEY: Final = PUBLIC_KEY
START: Final = 1_790_000_000
DAY: Final = 86_400
_PER_DAY: Final = 30_000.0
"""Posts a day that name one of the loud brands; the quiet ones have a hundredth of it, so that a crisis shows."""


def _like(brand: Brand, name: str, per_day: float) -> Brand:
    return brand._replace(
        name=name,
        handle=f"{name.split(maxsplit=1)[0].lower()}.example",
        names=(name, name.upper()),
        per_day=per_day,
    )


QUIET: Final = ("Acme", "Zephyr Rail", "Oriel Foods")
BRANDS: Final = (
    ACME._replace(per_day=_PER_DAY / 100),
    _like(BOREALIS, "Zephyr Rail", _PER_DAY / 100),
    _like(ACME, "Oriel Foods", _PER_DAY / 100),
    _like(BOREALIS, "Borealis Bank", _PER_DAY * 4),
    _like(LUMEN, "Copper Bank", _PER_DAY * 4),
    _like(LUMEN, "Kestrel Air", _PER_DAY * 8),
    _like(BOREALIS, "Quarry Cement", _PER_DAY * 12),
)


@dataclass
class Script:
    """All that will be written, step by step, and what its rule sets are by hash."""

    seed: int
    mentions: int
    partitions: int
    rulesets: dict[str, RuleSet]
    steps: list[list[Out]] = field(repr=False)

    def log(self) -> list[tuple[int, bytes]]:
        """`[mentions]` as (partition, bytes), in the order in which it is written."""
        return [(o.partition, o.value) for step in self.steps for o in step if o.topic == MENTIONS]


def rules(brands: tuple[Brand, ...]) -> RuleSet:
    """The rule files of these brands as `warn rules new` writes them, in force together."""
    loaded = [check_text(draft(b.name, [f"@{b.handle}"])).ruleset for b in brands]
    whole = [one for one in loaded if one is not None]
    assert len(whole) == len(brands)
    return RuleSet(
        topics=tuple(t for one in whole for t in one.topics),
        rules=tuple(r for one in whole for r in one.rules),
        negative=whole[0].negative,
    )


def _outbreaks(seed: int, seconds: int) -> Iterator[Item]:
    """One crisis for each quiet brand, one after the other."""
    for i, name in enumerate(QUIET):
        onset = START + seconds * (i + 1) // (len(QUIET) + 2)
        for item in crisis(seed + i, onset * 1000, doubling_s=20.0, press_after_s=240.0):
            text = item.text and item.text.replace("Acme", name).replace("acme", name.lower())
            yield msgspec.structs.replace(
                item,
                text=text,
                id=f"{i}/{item.id}",
                thread=item.thread and f"{i}/{item.thread}",
                reply_to=item.reply_to and f"{i}/{item.reply_to}",
                reshare_of=item.reshare_of and f"{i}/{item.reshare_of}",
            )


def _disturbed(items: Iterator[Item], rng: random.Random) -> Iterator[Item]:
    """Some things come twice, and some late, as they do."""
    waiting: list[Item] = []
    for item in items:
        while waiting and seen_at(waiting[0]) <= seen_at(item):
            yield waiting.pop(0)
        roll = rng.random()
        if roll < 0.01:
            item = msgspec.structs.replace(item, created_ms=item.created_ms - rng.randrange(900_000))
        elif roll < 0.03:
            waiting.append(msgspec.structs.replace(item, seen_ms=seen_at(item) + 30_000))
        yield item


class _Maker:
    """Brings items through the door and cuts them into steps."""

    def __init__(self, partitions: int, mentions: int) -> None:
        self._partitions, self._wanted = partitions, mentions
        self._force = InForce(KEY, lambda rules: Matcher(rules, KEY).could_match)
        self._door = Door(KEY, Memory())
        self._pending: list[Mention] = []
        self._step: list[Out] = []
        self.rulesets: dict[str, RuleSet] = {}
        self.steps: list[list[Out]] = []
        self.count = 0

    def enforce(self, ruleset: RuleSet) -> None:
        """From the next clock on."""
        body = self._force.add(ruleset, self._force.now)
        assert body is not None
        self.rulesets[content_hash(encode(ruleset))] = ruleset
        self._door.policy = self._force.policy()
        self._step.append(config_record(body))

    def pass_to(self, second: int) -> None:
        """Every second up to this one gets its clock."""
        now = self._force.now
        for at in range(now + 1 if now else second, second + 1):
            self.tick(at)

    def tick(self, at: int) -> None:
        """A step ends; the next begins with its clocks."""
        self.flush()
        self._step += clock_records(self._force.clock(at), self._partitions)

    def take(self, item: Item) -> bool:
        """Whether there is room for more."""
        self.pass_to(seen_at(item) // 1000)
        mention = self._door.admit(item, now_ms=seen_at(item))
        if mention is not None:
            self._pending.append(mention)
            self.count += 1
        return self.count < self._wanted

    def flush(self) -> None:
        """End a step."""
        self._step += pack(self._pending, (), self._partitions)
        self._pending = []
        if self._step:
            self.steps.append(self._step)
            self._step = []


@lru_cache(maxsize=4)
def script(seed: int, mentions: int, partitions: int = 6) -> Script:
    """So many mentions over some 40 seconds for each thousand, three crises among them; the last clock a day later."""
    seconds = 60 + mentions // 35
    town = Town(seed, rate=30.0, peaks=False, brands=BRANDS)
    whole = merge(
        town.stream(START * 1000, (START + 4 * seconds) * 1000),
        sorted(_outbreaks(seed, seconds), key=order_key),
        key=order_key,
    )
    maker = _Maker(partitions, mentions)
    maker.enforce(rules(BRANDS[:-1]))
    changed = False
    for item in _disturbed(whole, random.Random(seed)):
        if not changed and seen_at(item) // 1000 > START + seconds // 2:
            changed = True
            maker.enforce(rules(BRANDS))
        if not maker.take(item):
            break
    assert maker.count == mentions and changed, f"the town fell silent after {maker.count} mentions"
    last = maker._force.now
    maker.tick(last + 1)
    maker.tick(last + DAY)
    maker.flush()
    return Script(seed, mentions, partitions, maker.rulesets, maker.steps)
