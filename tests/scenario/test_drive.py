"""`stages/drive.py` says what workers and a bus say: the same incidents, the same state, whatever the order of work."""

import asyncio
import random

import pytest

from connectors.simulate.town import Outbreak, Town
from warn.app.pipeline import Pipeline
from warn.bus.memory import MemoryBus, MemoryStore
from warn.bus.rulesets import RuleSets
from warn.detect.registry import build
from warn.ingest.feed import Feed
from warn.match.matcher import Matcher
from warn.model.alerts import IncidentEvent
from warn.model.flow import INCIDENTS, MENTIONS, SIGNALS
from warn.model.hashing import PUBLIC_KEY
from warn.model.wire import decode_incident
from warn.rulefile.draft import draft
from warn.rulefile.load import check_text
from warn.stages.detect import DetectStage
from warn.stages.drive import drive
from warn.stages.match import MatchStage
from warn.stages.respond import RespondStage

START = 1_790_000_000
KEEP = PUBLIC_KEY


def ruleset():
    loaded = check_text(draft("Acme", ["@acme.example", "#acme"]))
    assert loaded.ruleset is not None, loaded.problems
    return loaded.ruleset


def compiles(rules):
    return Matcher(rules, KEEP).could_match


async def on_a_bus(partitions: int, batch: int):
    """What worker and bus make of a town in which a kettle catches fire; and the `[mentions]` log they made it of."""
    bus = MemoryBus(MemoryStore({MENTIONS: partitions, SIGNALS: partitions}))
    items = list(
        Town(3).stream(
            START * 1000,
            (START + 90_000) * 1000,
            Outbreak(onset_ms=(START + 80_000) * 1000, doubling_s=120.0, press_after_s=1500.0),
        )
    )
    feed = Feed(bus, ruleset(), compiles, key=KEEP, batch=batch)
    await feed.run(lambda start: items[start:])
    rulesets = RuleSets(bus)
    await rulesets.load()
    pipeline = Pipeline(bus, rulesets, key=KEEP, batch=batch, wait_s=0.01, give_up_after=1)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(pipeline.run())
        await pipeline.caught_up()
        state = pipeline.state_hash()
        pipeline.stop()
        await running
    log = [(p, value) for p, _, _, value in await everything(bus, MENTIONS)]
    incidents = [value for _, _, _, value in await everything(bus, INCIDENTS)]
    return log, told(incidents), state


async def everything(bus, topic):
    reader, out = await bus.follow(topic), []
    while records := await reader.read(1000, 0.0):
        out += records
    await reader.close()
    return out


def told(values):
    events = [e for v in values if isinstance(e := decode_incident(v), IncidentEvent)]
    return sorted(events, key=lambda e: (e.at, e.incident, e.sequence))


@pytest.mark.parametrize(("partitions", "batch"), [(1, 500), (3, 17)])
async def test_drive_equals_worker_and_bus(partitions, batch):
    log, expected, state = await on_a_bus(partitions, batch)
    assert any(e.event == "opened" and e.brand == "Acme" for e in expected)
    rules = ruleset()
    for seed in range(3):
        rng = random.Random(seed)
        driven = drive(
            log,
            {
                "match": [MatchStage(p, partitions, lambda _: rules, KEEP) for p in range(partitions)],
                "detect": [
                    DetectStage(
                        p,
                        partitions=partitions,
                        match_partitions=partitions,
                        rulesets=lambda _: rules,
                        build=build,
                    )
                    for p in range(partitions)
                ],
                "respond": [RespondStage()],
            },
            batch=40,
            choose=rng.randrange,
        )
        assert told(driven.values(INCIDENTS)) == expected
        assert driven.state_hash() == state
