"""Brokers killed and started again: exactly what a run without any of it gives; and a release that loses commits."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.broker_faults import at_commits, in_turn, single
from tests.chaos.saying import Say
from tests.chaos.scene import Plan, exact, play
from tests.chaos.topics import made
from tests.kafka.brokers import Brokers
from warn.model.flow import MENTIONS

SMALL, LARGE = 12_000, 100_000
SOON = (0.5, 1.5)
PREFIX = "chaos"
few = pytest.mark.real, pytest.mark.timeout(180)
many = pytest.mark.chaos, pytest.mark.timeout(600)

Make = Callable[..., Brokers]


@pytest.mark.parametrize(
    ("plan", "down_s"),
    [
        pytest.param(Plan(81, SMALL, 60.0, faults=1, calm_s=SOON), (0.0, 1.0), marks=few, id="small"),
        pytest.param(Plan(82, LARGE, 300.0, faults=3), (0.0, 15.0), marks=many, id="large"),
    ],
)
async def test_the_only_broker_killed(
    plan: Plan, down_s: tuple[float, float], make_kafka: Make, tmp_path: Path, say: Say
) -> None:
    kafka = make_kafka()
    await made(kafka.bootstrap, PREFIX)
    seen = await play(plan, kafka.bootstrap, PREFIX, tmp_path, single(kafka, plan.faults, down_s))
    say(seen.report("single broker killed"))
    exact(seen)
    assert seen.scene.injected["broker killed and restarted"] == plan.faults


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(Plan(91, SMALL, 60.0, workers=2, faults=2, calm_s=SOON), marks=few, id="small"),
        pytest.param(Plan(92, LARGE, 400.0, faults=6), marks=many, id="large"),
    ],
)
async def test_leader_and_coordinator_killed_in_turn(
    plan: Plan, make_kafka: Make, tmp_path: Path, say: Say
) -> None:
    kafka = make_kafka(3)
    await made(kafka.bootstrap, PREFIX, replication=3)
    fault = in_turn(kafka, PREFIX, plan.faults)
    seen = await play(plan, kafka.bootstrap, PREFIX, tmp_path, fault, nodes=3)
    say(seen.report("three brokers, leader and coordinator killed in turn"))
    exact(seen)
    injected = seen.scene.injected
    assert injected["leader killed"] + injected["coordinator killed"] == plan.faults


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_what_4_3_1_loses_is_noticed(make_kafka: Make, tmp_path: Path, say: Say) -> None:
    """Kafka 4.3.1 loses commits when it is killed (KAFKA-20734). What it loses cannot be got back, but is told by name."""
    # With a longer session than the other tests have, so that it comes back while it still counts as present.
    slow = {"broker.session.timeout.ms": "3000", "broker.heartbeat.interval.ms": "500"}
    kafka = make_kafka(version="4.3.1", settings=slow)
    await made(kafka.bootstrap, PREFIX)
    plan, fault = Plan(97, 30_000, 500.0), at_commits(kafka, (8, 16), down_s=(0.0, 4.0))
    seen = await play(plan, kafka.bootstrap, PREFIX, tmp_path, fault, transaction_ms=3_000, settle_s=60.0)
    say(seen.report("Kafka 4.3.1, killed at commits"))
    assert seen.scene.injected["broker killed as it acknowledged a commit"] >= 8
    fleet = seen.scene.fleet
    if seen.wrong or not seen.settled:
        assert fleet.alarms() and any(seen.numbers.values()), "something was lost, and nobody noticed"
    told = fleet.amounts(MENTIONS)
    for partition, wanted in seen.wanted.mentions.items():
        found = seen.outcome.mentions.get(partition, [])
        lacking, surplus = Counter(wanted) - Counter(found), Counter(found) - Counter(wanted)
        assert told["bus_gap", partition] >= lacking.total(), f"partition {partition}: a gap went unnoticed"
        assert told["bus_overlap", partition] >= surplus.total(), f"partition {partition}: an overlap did"
