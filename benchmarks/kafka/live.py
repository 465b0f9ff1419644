"""The processes of the live part: one that loads as collect does, those that work as daemons do, and one that looks on.

Each is told what to do by lines of JSON on stdin, and answers each with one on stdout. Times are `time.monotonic`, which
is the same clock for all processes of a machine.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from msgspec.structs import replace

from benchmarks.kafka.cases import config, opened
from benchmarks.kafka.child import Spec, pipeline
from benchmarks.town import START
from warn.app.pipeline import Pipeline
from warn.bus.base import Seat
from warn.bus.kafka import KafkaBus
from warn.bus.kafka.chain import link_of
from warn.ingest.parcels import clocks, pack
from warn.model.alerts import AlertEvent, Numbers
from warn.model.flow import DESK, DETECT, INCIDENTS, MATCH, MENTIONS, SIGNALS
from warn.model.hashing import content_hash
from warn.model.mention import Mention
from warn.model.records import Clock
from warn.model.wire import decode_incident, encode
from warn.stages.base import Effects, In, Out, Stage
from warn.telemetry import logs

EVERY_S: Final = 0.02
"""Between two commits of the loader: how long collect lets a parcel grow."""
PROBE_S: Final = 0.1
STALL_S: Final = 0.01
_read_all: Final = msgspec.msgpack.Decoder(list[Mention]).decode

Row = list[Any]


def say(what: object) -> None:
    print(json.dumps(what), flush=True)


async def asked() -> AsyncIterator[Spec]:
    """What the parent asks for, until it has nothing more to ask."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield json.loads(line)


class Load:
    """Writes mentions at an even rate, and each second the clock."""

    def __init__(self, seat: Seat, partitions: int, town: Sequence[Mention], rules: str) -> None:
        self._seat, self._partitions, self._town, self._rules = seat, partitions, town, rules
        self._written = 0
        self._position = 1
        self._zero = time.monotonic()

    async def run(self, rate: float, seconds: float) -> dict[str, Any]:
        """For so long; event time is as long as that. [partition, first and last due, committed, clock] of each record."""
        rows: list[Row] = []
        began = due = time.monotonic() + 0.1
        start = START + int(began - self._zero) + 1
        done, second, whole = 0, -1, int(rate * seconds)
        while due < began + seconds or done < whole:
            due += EVERY_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            now = time.monotonic() - began
            upto = min(whole, int(now * rate))
            outs: list[Out] = []
            if int(now) > second:
                second = int(now)
                outs = clocks(Clock(start + second, (), (self._rules,)), self._partitions)
            ticked = len(outs)
            outs += pack([self._mention(i, rate, start) for i in range(done, upto)], (), self._partitions)
            if outs:
                self._position += 1
                await self._seat.commit(outs, {b"cursor": b"%d" % self._position}, self._position)
            at = time.monotonic()
            for i, out in enumerate(outs):
                if i < ticked:
                    rows.append([out.partition, began + second, began + second, at, start + second])
                else:
                    rows.append([out.partition, began + done / rate, began + upto / rate, at, 0])
            done = upto
        return {"rows": rows, "began": began, "ended": time.monotonic(), "mentions": done}

    def _mention(self, i: int, rate: float, start: int) -> Mention:
        """The next of the town's, as one that was never seen before."""
        self._written += 1
        one = self._town[self._written % len(self._town)]
        ms, key = int(start * 1000 + i * 1000 / rate), one.key ^ (self._written << 20)
        return replace(one, key=key, thread=one.parent or key, created_ms=ms, seen_ms=ms)


def _town(spec: Spec) -> tuple[bytes, list[Mention]]:
    return Path(spec["rules"]).read_bytes(), _read_all(Path(spec["mentions"]).read_bytes())


async def load(spec: Spec) -> None:
    """Collect's part."""
    rules, town = _town(spec)
    bus, seat = await opened(config(spec["bootstrap"], spec["prefix"]), rules)
    one = Load(seat, bus.partitions(MENTIONS), town, content_hash(rules))
    say("ready")
    async for ask in asked():
        say(await one.run(ask["rate"], ask["seconds"]))
    await seat.close()
    await bus.close()


class Watched:
    """A stage, and when it was through with what."""

    def __init__(self, stage: Stage, name: str, partition: int, rows: list[Row]) -> None:
        self._stage, self._name, self._partition, self._rows = stage, name, partition, rows

    def step(self, batch: Sequence[In], effects: Effects) -> Iterator[None]:
        yield from self._stage.step(batch, effects)
        at = time.monotonic()
        if self._name == MATCH:
            self._rows.append([self._partition, batch[-1].position, at])
        elif self._name == DETECT:
            self._rows.append([self._partition, min(self._stage.vector.values()), at])  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stage, name)


async def work(spec: Spec) -> None:
    """A daemon's workers for all seats of these stages, and how late its loop was."""
    bus = await KafkaBus.start(config(spec["bootstrap"], spec["prefix"]))
    seats = [(stage, partition) for stage in spec["stages"] for partition in range(bus.seats(stage))]
    pipe: Pipeline = await pipeline(bus, seats)
    rows: list[Row] = []
    for (stage, partition), worker in pipe.crew.runners.items():
        make = worker.make_stage

        def watched(make: Any = make, name: str = stage, partition: int = partition) -> Any:
            return Watched(make(), name, partition, rows)

        worker.make_stage = watched
    late: list[tuple[float, float]] = []
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(pipe.run())
        stalls = tasks.create_task(_stalls(late))
        await pipe.caught_up()
        say("ready")
        async for _ in asked():
            await pipe.caught_up()
            say("caught up")
        pipe.stop()
        await running
        stalls.cancel()
    say({"rows": rows, "late": late})
    await bus.close()


async def _stalls(late: list[tuple[float, float]]) -> None:
    while True:
        due = time.monotonic() + STALL_S
        await asyncio.sleep(STALL_S)
        late.append((due, time.monotonic() - due))


class _Head(msgspec.Struct, array_like=True, tag="s"):
    """A record of `[signals]` as far as it is looked at."""

    partition: int
    clocks: tuple[Clock, ...]
    partials: msgspec.Raw


_head: Final = msgspec.msgpack.Decoder(_Head).decode


class LookingOn:
    """A consumer that sees what is committed, and an alert now and then to see respond by."""

    def __init__(self, bus: KafkaBus, prefix: str) -> None:
        self._bus, self._prefix = bus, prefix
        self.seen: dict[str, list[Row]] = {MENTIONS: [], SIGNALS: [], INCIDENTS: []}
        self.probes: list[Row] = []
        self.probing = False

    async def read(self, consumer: AIOKafkaConsumer) -> None:
        """When each record could be read first; until cancelled."""
        while True:
            found = await consumer.getmany(timeout_ms=1000, max_records=2000)
            at = time.monotonic()
            for place, records in found.items():
                topic = place.topic.removeprefix(f"{self._prefix}.")
                for record in records:
                    self.seen[topic].append([place.partition, record.offset, at, *_about(topic, record)])

    async def probe(self) -> None:
        """An alert of a brand of its own, as detect would write it; until cancelled."""
        while True:
            await asyncio.sleep(PROBE_S)
            if not self.probing:
                continue
            brand, now = f"probe {len(self.probes)}", START + len(self.probes)
            alert = AlertEvent(
                kind="firing", at=now, brand=brand, rule=f"{brand}!", alert="Probe", topic=brand, severity="page",
                mode="shadow", episode=1, numbers=Numbers(people=20, mentions=30, since=now, signal="mentions"),
            )  # fmt: skip
            self.probes.append([brand, time.monotonic()])
            await self._bus.write([Out(DESK, 0, brand.encode(), encode(alert))])


def _about(topic: str, record: Any) -> Row:
    if topic == SIGNALS:
        link, head = link_of(record.headers), _head(record.value)
        assert link is not None
        return [link.writer.decode(), link.until, head.clocks[-1].now if head.clocks else 0]
    return [getattr(decode_incident(record.value), "brand", "")] if topic == INCIDENTS else []


async def look_on(spec: Spec) -> None:
    """Who sees what."""
    reach = config(spec["bootstrap"], spec["prefix"])
    bus = await KafkaBus.start(reach)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=spec["bootstrap"], enable_auto_commit=False, auto_offset_reset="none",
        isolation_level="read_committed",
    )  # fmt: skip
    await consumer.start()
    looking = LookingOn(bus, spec["prefix"])
    places = [
        TopicPartition(reach.topic(topic), p) for topic in looking.seen for p in range(bus.partitions(topic))
    ]
    consumer.assign(places)
    for place, end in (await consumer.end_offsets(places)).items():
        consumer.seek(place, end)
    async with asyncio.TaskGroup() as tasks:
        both = [tasks.create_task(looking.read(consumer)), tasks.create_task(looking.probe())]
        say("ready")
        async for ask in asked():
            looking.probing = ask["probe"]
        for one in both:
            one.cancel()
    say({"seen": looking.seen, "probes": looking.probes})
    await consumer.stop()
    await bus.close()


PARTS: Final = {"load": load, "work": work, "look on": look_on}

if __name__ == "__main__":
    logs.configure(form="json", level="info")
    asyncio.run(PARTS[sys.argv[1]](json.loads(sys.argv[2])))
