"""A real broker behind a network that fails: silent, half-open, slow, resetting. Nothing hangs, and the counts are exact."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from tests.kafka.brokers import Brokers, Listener
from tests.kafka.fixtures import make_topics
from tests.kafka.proxy import Proxy
from tests.kafka.wire_trial import Trial
from warn.bus.kafka import KafkaBus
from warn.stages.base import Out

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

STEPS = 20
Fault = Callable[[Proxy], Awaitable[None]]


async def silent(proxy: Proxy) -> None:
    """A black hole for longer than a step: what was held arrives late, as after lost packets."""
    proxy.hold()
    await asyncio.sleep(8)
    proxy.release()


async def deaf(proxy: Proxy) -> None:
    """Requests arrive and are carried out; answers do not come back."""
    proxy.hold("answers")
    await asyncio.sleep(8)
    proxy.release()


async def half_open(proxy: Proxy) -> None:
    """The broker has forgotten every connection, and we have not."""
    proxy.strand()
    await asyncio.sleep(1)


async def slow(proxy: Proxy) -> None:
    """Each piece comes 1.5 s later, in both directions: later than the request's limit."""
    proxy.delay_s = 1.5
    await asyncio.sleep(10)
    proxy.delay_s = 0.0


async def resetting(proxy: Proxy) -> None:
    """Every connection is reset ten times, and new ones too for a while."""
    for _ in range(10):
        proxy.reset()
        await asyncio.sleep(0.3)
    proxy.refusing = True
    proxy.reset()
    await asyncio.sleep(3)
    proxy.refusing = False


FAULTS: tuple[Fault, ...] = (silent, deaf, half_open, slow, resetting)


async def outputs(bus: KafkaBus) -> Counter[bytes]:
    """What the seat has written and committed."""
    reader = await bus.follow("signals")
    found: Counter[bytes] = Counter()
    while records := await reader.read(500, 0.5):
        found.update(value for _, _, _, value in records)
    await reader.close()
    return found


async def test_a_network_that_fails(make_kafka: Callable[..., Brokers]) -> None:
    """A seat works through every fault; each record of its input has led to one output, and no call took too long."""
    kafka = make_kafka(listener=Listener("PROXIED", proxied=True))
    direct = await KafkaBus.start(
        await make_topics(kafka.bootstrap, "t", {"mentions": 1, "signals": 2, "collect": 1})
    )
    count = STEPS * len(FAULTS)
    await direct.write([Out("mentions", 0, b"k", b"%d" % i) for i in range(count)])
    async with Proxy(kafka.advertised["PROXIED"][1], kafka.ports["PROXIED"][1]) as proxy:
        config = replace(direct.cluster.config, bootstrap=(kafka.bootstrap_of("PROXIED"),))
        bus = await KafkaBus.start(config)
        trial = Trial(bus, pace_s=0.1)
        for fault in FAULTS:
            async with asyncio.TaskGroup() as group:
                group.create_task(fault(proxy))
                group.create_task(trial.work(STEPS, within_s=60))
            print(trial.told(fault.__name__))
        await trial.drop()
        await bus.close()
        assert proxy.accepted > len(FAULTS)
    assert await outputs(direct) == {b"%d" % (i + 1): 1 for i in range(count)}
    await direct.close()
