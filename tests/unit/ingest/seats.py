"""Several seats of collect over one store, on time that costs none."""

import asyncio
import random
from collections.abc import Sequence
from itertools import count, islice

from tests.unit.ingest.items import KEY
from tests.unit.ingest.scripted import Act, Scripted, wall
from warn.bus.base import FencedError
from warn.bus.memory import Fault, MemoryBus, MemoryStore, no_fault
from warn.ingest.config import ConnectorConfig
from warn.ingest.door import CouldMatch
from warn.ingest.peers import Peers
from warn.ingest.supervisor import Supervisor
from warn.model.hashing import connector_seat
from warn.model.rules import RuleSet, Topic

SEATS = 3


def named(seat: int, number: int = 0) -> str:
    """The name of a connector that belongs to a seat."""
    names = (name for n in count() if connector_seat(name := f"c{n}", SEATS) == seat)
    return next(islice(names, number, None))


def on(seat: int, *scripts: Sequence[Act], source: str = "forum", number: int = 0) -> Scripted:
    """A connector that belongs to a seat."""
    return Scripted(named(seat, number), *scripts, source=source)


def wants(*words: str) -> RuleSet:
    """Rules that want these words."""
    return RuleSet(tuple(Topic(f"b/{word}", "b") for word in words))


def compiles(ruleset: RuleSet) -> CouldMatch:
    """Lets through what holds a topic's word."""
    words = [topic.name.partition("/")[2] for topic in ruleset.topics]
    return lambda text: any(word in text.casefold() for word in words)


ACME = wants("acme")


def supervisor(
    store: MemoryStore,
    partition: int,
    *connectors: Scripted,
    rules: RuleSet | None = ACME,
    fault: Fault = no_fault,
    peers: Peers | None = None,
) -> Supervisor:
    """One seat's, in a process of its own unless `peers` are shared; `rules`: the files of that process."""
    pairs = [(ConnectorConfig(name=one.name, source=one.source), one) for one in connectors]
    one = Supervisor(
        MemoryBus(store, fault), pairs, key=KEY, compiles=compiles, partition=partition, peers=peers,
        wall=wall, chance=random.Random(partition),
    )  # fmt: skip
    if rules is not None:
        one.publish_ruleset(rules)
    return one


async def together(seconds: float, *supervisors: Supervisor) -> list[BaseException | None]:
    """Let them run so long; what each raised, if it did. Those that go on are cut off as by a crash."""

    async def one(it: Supervisor) -> BaseException | None:
        try:
            async with asyncio.timeout(seconds):
                await it.run()
        except TimeoutError:
            return None
        except FencedError as e:
            return e
        return None

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(it)) for it in supervisors]
    return [task.result() for task in tasks]
