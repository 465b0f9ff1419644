"""What strikes the brokers: a single one killed and started again, leader and coordinator killed in turn, kills at commits."""

import asyncio
import time
from typing import Final

from confluent_kafka.admin import AdminClient

from tests.chaos.faults import watch
from tests.chaos.scene import Fault, Scene
from tests.kafka.brokers import Brokers
from warn.model.flow import MENTIONS

GOES_ON_S: Final = 90.0
"""After a broker is back, within this every stage commits again."""
IN_SYNC_S: Final = 60.0
COORDINATOR: Final = "__transaction_state"


async def goes_on(scene: Scene) -> float:
    """Until the stages that have steady work commit again, every one of their seats; how long that took."""
    fleet, began = scene.fleet, time.time()
    seats = [seat for seat in fleet.stepped if seat[0] == "match"]
    await fleet.until(
        lambda: all(fleet.stepped[seat][0] > began for seat in seats) or scene.loader.over,
        "match to go on",
        GOES_ON_S,
    )
    return time.time() - began


def single(kafka: Brokers, times: int, down_s: tuple[float, float]) -> Fault:
    """The only broker is killed and started again."""

    async def strike(scene: Scene) -> None:
        for _ in range(times):
            await watch(scene, scene.rng.uniform(*scene.plan.calm_s))
            await _at_work(scene)
            kafka.kill(1)
            away = scene.rng.uniform(*down_s)
            await watch(scene, away)
            await asyncio.to_thread(kafka.start, 1)
            scene.injected["broker killed and restarted"] += 1
            scene.note(
                f"broker down {away:.1f} s; every match seat commits again {await goes_on(scene):.1f} s after it answers"
            )

    return strike


def in_turn(kafka: Brokers, prefix: str, rounds: int) -> Fault:
    """Of three nodes the leader of a partition of [mentions] is killed, then the transactions' coordinator, in turn."""

    async def strike(scene: Scene) -> None:
        for i in range(rounds):
            topic, partition = ((f"{prefix}.{MENTIONS}", i % 6), (COORDINATOR, 0))[i % 2]
            await watch(scene, scene.rng.uniform(*scene.plan.calm_s))
            await _at_work(scene)
            node = await asyncio.to_thread(leader, kafka.bootstrap, topic, partition)
            kafka.kill(node)
            took = await goes_on(scene)
            scene.injected[f"{'coordinator' if i % 2 else 'leader'} killed"] += 1
            scene.note(
                f"node {node} killed as leader of {topic}/{partition}: every match seat commits again after {took:.1f} s"
            )
            await watch(scene, scene.rng.uniform(1.0, 3.0))
            await asyncio.to_thread(kafka.start, node)
            await whole(scene, kafka, prefix)

    return strike


def at_commits(kafka: Brokers, times: tuple[int, int], down_s: tuple[float, ...]) -> Fault:
    """The only broker is killed in the turn of the loop in which it acknowledged a commit, and started again: after so
    long, the first time, the second, ...; transactions that were open may have timed out meanwhile. `times`: so often, and
    more often, up to so often, where nothing was noticed yet.
    """

    async def strike(scene: Scene) -> None:
        for i in range(times[1]):
            if i >= times[0] and scene.fleet.alarms():
                break
            await watch(scene, scene.rng.uniform(2.0, 4.0))
            await _at_work(scene)
            hit = asyncio.Event()

            def kill(hit: asyncio.Event = hit) -> None:
                if not hit.is_set():
                    kafka.kill(1)
                    hit.set()

            scene.loader.committed = kill
            async with asyncio.timeout(GOES_ON_S):
                await hit.wait()
            scene.injected["broker killed as it acknowledged a commit"] += 1
            await watch(scene, down_s[i % len(down_s)])
            await asyncio.to_thread(kafka.start, 1)
            await watch(scene, 8.0)

    return strike


async def _at_work(scene: Scene) -> None:
    await scene.fleet.until(lambda: any(c.busy for c in scene.fleet.alive()), "work", GOES_ON_S)
    assert scene.loading, "the broker was struck after the last mention"


def leader(bootstrap: str, topic: str, partition: int) -> int:
    """The node that leads a partition now."""
    found = AdminClient({"bootstrap.servers": bootstrap}).list_topics(topic, timeout=10)
    return int(found.topics[topic].partitions[partition].leader)


async def whole(scene: Scene, kafka: Brokers, prefix: str) -> None:
    """Until every partition has all of its replicas in sync again: the next kill must leave two of three."""
    client = AdminClient({"bootstrap.servers": kafka.bootstrap})

    def missing() -> int:
        topics = client.list_topics(timeout=10).topics
        ours = [t for name, t in topics.items() if name.startswith((f"{prefix}.", "__"))]
        return sum(len(p.isrs) < len(p.replicas) for t in ours for p in t.partitions.values())

    deadline = time.monotonic() + IN_SYNC_S
    while await asyncio.to_thread(missing):
        assert time.monotonic() < deadline, "the replicas did not come in sync"
        await watch(scene, 0.3)
