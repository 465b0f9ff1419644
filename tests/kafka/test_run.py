"""`warn run` on several processes: they share the seats, take over from each other, and outlive their broker."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kafka.brokers import Brokers
from tests.kafka.fixtures import Cluster
from tests.kafka.processes import Process, at

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

SEATS = {(stage, n) for stage in ("collect", "match", "detect") for n in (0, 1)} | {("respond", 0)}
"""All there are: two partitions of each, and respond's one."""

Make = Callable[..., Process]


@pytest.fixture
def make(tmp_path: Path, kafka: Cluster, kafka_prefix: str) -> Iterator[Make]:
    """Makes processes of one installation; the topics are made by `warn init`."""
    made: list[Process] = []

    def process(name: str, *arguments: str, **how: str) -> Process:
        one = Process(tmp_path / name, how.pop("bootstrap", kafka.bootstrap), kafka_prefix, *arguments, **how)
        made.append(one)
        return one

    yield process
    for one in made:
        one.kill()


def init(process: Process) -> None:
    done = process.call("init")
    assert done.returncode == 0, done.stdout + done.stderr


def first_opened(process: Process, since: float, seats: set[tuple[str, int]]) -> dict[tuple[str, int], float]:
    """Seconds after `since` until each of these seats was taken."""
    opened = process.events("worker_opened", since)
    times = {(one["stage"], one["partition"]): at(one) - since for one in reversed(opened)}
    return {seat: times[seat] for seat in seats if seat in times}


def test_two_processes_share_and_take_over(make: Make) -> None:
    """The second gets half, of each stage; killed or stopped, the other has all seats again, and pages go on."""
    one, two = make("one"), make("two")
    init(one)
    one.start()
    one.until(lambda: one.ready and one.holds() == SEATS)
    one.until(one.incidents)
    two.start()
    two.until(
        lambda: (
            two.ready and one.ready and one.holds() | two.holds() == SEATS and not one.holds() & two.holds()
        )
    )
    for stage in ("collect", "match", "detect"):
        assert {seat[0] for seat in two.holds()} >= {stage}, "a stage is shared out by itself"

    lost = one.holds()
    killed = one.send(signal.SIGKILL)
    two.until(lambda: two.holds() == SEATS and two.ready, 30)
    times = first_opened(two, killed, lost)
    assert times.keys() == lost
    print(f"after SIGKILL the other had all seats within {max(times.values()):.1f} s")
    two.until(lambda: two.events("delivery", killed) or two.incidents())
    known = {incident["id"] for incident in two.incidents()}

    one.gone()
    one.start()
    one.until(lambda: one.ready and one.holds() and not one.holds() & two.holds())
    assert {incident["id"] for incident in one.incidents()} >= known
    lost, left = two.holds(), two.send(signal.SIGTERM)
    one.until(lambda: one.holds() == SEATS and one.ready, 30)
    times = first_opened(one, left, lost)
    print(f"after SIGTERM the other had all seats within {max(times.values()):.1f} s")
    assert two.gone() == 0, two.tail()
    assert one.stop()[0] == 0


def test_stages_in_three_processes(make: Make) -> None:
    """Collect and web, match, detect and respond: an incident goes through all of them and is shown by the first."""
    front = make("front", "--stages", "collect,web")
    middle = make("middle", "--stages", "match")
    back = make("back", "--stages", "respond,detect")
    init(front)
    for one in (front, middle, back):
        one.start()
    front.until(front.incidents, 90)
    assert {seat[0] for seat in front.holds()} == {"collect"}
    assert {seat[0] for seat in middle.holds()} == {"match"}
    assert {seat[0] for seat in back.holds()} == {"detect", "respond"}
    front.until(lambda: front.ready and middle.ready and back.ready)
    [incident] = front.incidents()
    assert front.get(f"/incidents/{incident['id']}").status_code == 200
    assert back.get("/api/incidents").status_code == 404
    assert "ask one that runs web" in back.get("/").text
    assert back.get("/metrics").status_code == 200
    back.until(lambda: back.events("delivery"))
    standby = make("standby", "--stages", "respond")
    standby.start()
    standby.until(lambda: standby.ready)
    assert not standby.holds(), "somebody else has respond's one seat: ready to take over, with nothing to do"
    gone = back.send(signal.SIGKILL)
    standby.until(lambda: standby.holds() == {("respond", 0)} and standby.ready, 30)
    assert at(standby.events("worker_opened", gone)[0]) > gone


def test_partitions_by_hand(make: Make) -> None:
    """Named partitions are held whatever others do; what is not named is shared out."""
    zero = make("zero", "--stages", "match,detect", "--partitions", "match:0", "--partitions", "detect:0,1")
    rest = make("rest", "--stages", "collect,match,respond,web", "--partitions", "match:1")
    init(zero)
    zero.start()
    rest.start()
    rest.until(rest.incidents, 90)
    assert zero.holds() == {("match", 0), ("detect", 0), ("detect", 1)}
    assert rest.holds() == {("collect", 0), ("collect", 1), ("match", 1), ("respond", 0)}
    assert not zero.events("membership_assigned"), "nothing of its is shared out"
    beyond = make("beyond", "--stages", "match", "--partitions", "match:2").call(
        "run", "--stages", "match", "--partitions", "match:2"
    )
    assert beyond.returncode == 1
    assert "match:2: there are 2, numbered from 0" in beyond.stderr


def test_what_a_person_has_to_mend_ends_it(make: Make) -> None:
    """No topics, another key: one line that says what to do, and exit code 1."""
    first, second = make("first"), make("second", key="another key of at least sixteen")
    done = first.call("run")
    assert done.returncode == 1
    assert "warn init" in done.stderr
    init(first)
    first.start()
    first.until(lambda: first.ready)
    done = second.call("run")
    assert done.returncode == 1
    assert "hash_key is not the one" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broker_that_goes_away_and_comes_back(tmp_path: Path, make_kafka: Callable[..., Brokers]) -> None:
    """Away at the start or for a quarter of a minute later: warn waits, says so, and goes on where it was."""
    broker = make_kafka()
    one = Process(tmp_path / "one", broker.bootstrap, "away")
    try:
        init(one)
        broker.kill(1)
        one.start()
        one.until(lambda: one.events("bus_waited_for"))
        assert "Not ready" in one.get("/-/ready").text
        assert one.get("/-/healthy").status_code == 200
        broker.start(1)
        one.until(lambda: one.ready and one.incidents())
        before = one.incidents()
        broker.kill(1)
        time.sleep(15)
        one.until(lambda: not one.ready)
        broker.start(1)
        back = time.time()
        one.until(lambda: one.ready)
        print(f"ready {time.time() - back:.1f} s after the broker was")
        assert {i["id"] for i in one.incidents()} >= {i["id"] for i in before}
        # Where the broker has counted its members before we were back, it shares the seats out again: the same ones.
        given = [
            {stage: found[stage] for stage in ("collect", "match", "detect", "respond")}
            for found in one.events("membership_assigned")
        ]
        assert given and all(seats == given[0] for seats in given), "who was alone goes on with what it had"
        assert one.stop()[0] == 0
        assert "Traceback" not in one.log.read_text()
    finally:
        one.kill()
