"""SIGKILL, SIGSTOP, joining and leaving on real Kafka: exactly what a run without any of it gives, and gap = 0."""

from pathlib import Path

import pytest

from tests.chaos.faults import TakeOvers, churn, kills, rivals, zombies
from tests.chaos.saying import Say
from tests.chaos.scene import Plan, exact, play
from tests.chaos.topics import made
from tests.kafka.fixtures import Cluster

SMALL, LARGE = 12_000, 100_000
few = pytest.mark.real, pytest.mark.timeout(180)
many = pytest.mark.chaos, pytest.mark.timeout(600)


@pytest.mark.parametrize(
    ("plan", "between_s"),
    [
        pytest.param(Plan(41, SMALL, 60.0, faults=2), (0.5, 3.0), marks=few, id="small"),
        pytest.param(Plan(42, LARGE, 500.0, faults=30), (0.5, 8.0), marks=many, id="large"),
    ],
)
async def test_killed_at_random_moments(
    plan: Plan, between_s: tuple[float, float], kafka: Cluster, kafka_prefix: str, tmp_path: Path, say: Say
) -> None:
    await made(kafka.bootstrap, kafka_prefix)
    seen = await play(plan, kafka.bootstrap, kafka_prefix, tmp_path, kills(plan.faults, between_s))
    say(seen.report("workers killed"))
    exact(seen)
    assert seen.scene.injected["SIGKILLs of a process at work"] == plan.faults


@pytest.mark.parametrize(
    ("plan", "pauses_s"),
    [
        pytest.param(Plan(51, SMALL, 60.0), (6.0,), marks=few, id="small"),
        pytest.param(Plan(52, LARGE, 500.0), (5.0, 8.0, 13.0, 20.0, 35.0, 60.0), marks=many, id="large"),
    ],
)
async def test_stopped_while_another_has_the_seat(
    plan: Plan, pauses_s: tuple[float, ...], kafka: Cluster, kafka_prefix: str, tmp_path: Path, say: Say
) -> None:
    """A session of 3 s instead of 6, so that others take the seats within a pause of 5 s."""
    await made(kafka.bootstrap, kafka_prefix)
    fault = zombies(pauses_s)
    seen = await play(plan, kafka.bootstrap, kafka_prefix, tmp_path, fault, session_ms=3_000)
    say(seen.report("workers stopped"))
    exact(seen)
    injected = seen.scene.injected
    assert injected["SIGSTOPs of a process at work"] == len(pauses_s)
    assert injected["pauses in which others took seats"] == len(pauses_s)


@pytest.mark.parametrize(
    ("plan", "pauses_s"),
    [
        pytest.param(Plan(56, SMALL, 60.0, workers=0), (5.0,), marks=few, id="small"),
        pytest.param(Plan(57, LARGE, 400.0, workers=0), (5.0, 9.0, 16.0, 30.0, 60.0), marks=many, id="large"),
    ],
)
async def test_two_insist_on_the_same_seats(
    plan: Plan, pauses_s: tuple[float, ...], kafka: Cluster, kafka_prefix: str, tmp_path: Path, say: Say
) -> None:
    """Fencing alone keeps the books right: here nobody else tells a process that it is not the owner any more."""
    await made(kafka.bootstrap, kafka_prefix)
    fault = rivals(pauses_s, fight_s=8.0)
    seen = await play(plan, kafka.bootstrap, kafka_prefix, tmp_path, fault)
    say(seen.report("two processes with the same seats, one of them stopped"))
    exact(seen)
    injected = seen.scene.injected
    assert injected["SIGSTOPs of a process at work"] == len(pauses_s)
    assert injected["fences told by who was stopped"] >= 5 * len(pauses_s)


@pytest.mark.parametrize(
    ("plan", "seconds"),
    [
        pytest.param(Plan(61, SMALL, 60.0), 10.0, marks=few, id="small"),
        pytest.param(Plan(62, LARGE, 300.0), 120.0, marks=many, id="large"),
    ],
)
async def test_joining_and_leaving(
    plan: Plan, seconds: float, kafka: Cluster, kafka_prefix: str, tmp_path: Path, say: Say
) -> None:
    await made(kafka.bootstrap, kafka_prefix)
    fault = churn(seconds, every_s=2.0, fewest=2)
    seen = await play(plan, kafka.bootstrap, kafka_prefix, tmp_path, fault)
    say(seen.report("workers joining and leaving"))
    exact(seen)
    injected = seen.scene.injected
    assert injected["joined"] + injected["asked to leave"] >= seconds / 2 * 0.8


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(Plan(71, SMALL, 90.0, workers=2, faults=3), marks=few, id="small"),
        pytest.param(Plan(72, LARGE, 700.0, workers=2, faults=30), marks=many, id="large"),
    ],
)
async def test_taken_over(plan: Plan, kafka: Cluster, kafka_prefix: str, tmp_path: Path, say: Say) -> None:
    """Membership alone takes 6 s; DESIGN promises 30 s to the first step of the new owner."""
    await made(kafka.bootstrap, kafka_prefix)
    overs = TakeOvers(plan.faults)
    seen = await play(plan, kafka.bootstrap, kafka_prefix, tmp_path, overs.strike)
    say(seen.report("workers taken over"))
    exact(seen)
    assert len(overs.first_s) == plan.faults
    assert max(overs.all_s) < 30.0
