"""The process that chaos tests harm: match, detect and respond over Kafka, as `warn run` has them, without connectors.

Its events go to `--tell`, one JSON object a line, DEBUG of warn's own included: each committed step is one. On SIGTERM it
lets go of its seats in order, tells what its counters stand at, and ends with 0.
"""

import argparse
import asyncio
import signal
from pathlib import Path

from tests.chaos.script import KEY
from warn.app.engine import KAFKA_PACE
from warn.app.keeping import keep, until_it_works
from warn.app.pipeline import STAGES, Pipeline, Share
from warn.app.watching import MemberHealth, WorkerHealth
from warn.bus.base import Ownership
from warn.bus.kafka import KafkaBus, KafkaConfig, Membership
from warn.bus.ownership import Fixed
from warn.bus.rulesets import RuleSets
from warn.model.flow import COLLECT, MENTIONS, SIGNALS
from warn.telemetry import logs
from warn.telemetry.series import REGISTRY
from warn.web.health import Health

STEP_S = 6.0
NUMBERS = ("warn_bus_gap_total", "warn_bus_overlap_total", "warn_bus_hanging")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tell", type=Path, required=True)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--replication", type=int, default=1)
    parser.add_argument("--session-ms", type=int, default=6_000)
    parser.add_argument("--transaction-ms", type=int, default=60_000)
    parser.add_argument("--seat", action="append", default=[], help="stage:partition; none: by membership")
    return parser.parse_args()


def config_of(
    bootstrap: str,
    prefix: str,
    replication: int = 1,
    *,
    session_ms: int = 6_000,
    transaction_ms: int = 60_000,
) -> KafkaConfig:
    """How every process of a chaos test reaches its cluster; a release that loses commits is wanted at times."""
    return KafkaConfig(
        tuple(bootstrap.split(",")),
        prefix=prefix,
        replication=replication,
        min_insync=min(2, replication),
        allow_unsafe=True,
        session_timeout_ms=session_ms,
        transaction_timeout_ms=transaction_ms,
        partitions={MENTIONS: 6, SIGNALS: 6, COLLECT: 1},
    )


async def work(asked: argparse.Namespace) -> None:
    """Until SIGTERM."""
    config = config_of(
        asked.bootstrap,
        asked.prefix,
        asked.replication,
        session_ms=asked.session_ms,
        transaction_ms=asked.transaction_ms,
    )
    health = Health()
    bus = await until_it_works(lambda: KafkaBus.start(config), health)
    rulesets = RuleSets(bus)
    await until_it_works(rulesets.load, health)
    seats = [(stage, int(number)) for stage, _, number in (seat.partition(":") for seat in asked.seat)]
    membership = Membership(bus.cluster.clients, STAGES, MemberHealth(health))
    ownership: Ownership = Fixed(seats) if seats else membership
    watch = WorkerHealth(
        health, fenced=lambda stage, number: None if seats else membership.doubt(stage, number)
    )
    share = Share(ownership, told=watch, paces=KAFKA_PACE)
    pipeline = Pipeline(bus, rulesets, key=KEY, share=share, step_s=STEP_S, watch=watch)
    log = logs.logger()

    def leave() -> None:
        log.info("chaos_leaving")
        pipeline.stop()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leave)
    async with asyncio.TaskGroup() as group:
        group.create_task(keep("rulesets", rulesets.run, health))
        owning = group.create_task(ownership.run())
        log.info("chaos_ready")
        await pipeline.run()
        ownership.stop()
        await owning
        rulesets.stop()
    await bus.close()
    log.info("chaos_ended", **{name: total(name) for name in NUMBERS})


def total(name: str) -> float:
    """What a metric stands at, all its labels together."""
    found = [s for metric in REGISTRY.collect() for s in metric.samples if s.name == name]
    return sum(sample.value for sample in found)


def main() -> None:
    """Tell, and work."""
    asked = _arguments()
    with asked.tell.open("a", buffering=1, encoding="utf-8") as stream:
        logs.configure(form="json", level="info", stream=stream)
        logs.logger().setLevel("DEBUG")
        asyncio.run(work(asked))


if __name__ == "__main__":
    main()
