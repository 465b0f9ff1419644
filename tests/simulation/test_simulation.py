"""Whatever goes wrong, wherever it does: what comes out is what a run without faults gives, to the byte.

A failing seed prints itself, what is wrong and what was injected; `python -m tests.simulation.run SEED SEED+1` runs it
again, exactly as it was.
"""

import os
import subprocess
import sys
import time
from collections import Counter

import pytest

from tests.simulation.run import simulate
from tests.simulation.weather import MISHAPS

SEEDS = 200
CHUNK = 10
MANY = 5_000


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_nothing_that_goes_wrong_shows(first: int) -> None:
    """Crashes, zombies, lost replies, late commits, outages, seats that move: no difference, no loss, no repeat."""
    for seed in range(first, first + CHUNK):
        ran = simulate(seed)
        assert not ran.violations, ran.told()


def test_the_worlds_are_worth_running() -> None:
    """In a few dozen seeds everything that can go wrong does, and everything that can come of it: else green means little."""
    counts: Counter[str] = Counter()
    for seed in range(60):
        counts += simulate(seed).counts
    happened = {*MISHAPS, "fenced", "stalled", "opened", "dead letters", "rings", "switched", "moved"}
    assert not {what for what in happened - {"delay"} if not counts[what]}, counts
    assert {"incident opened", "incident updated", "incident wave", "incident resolved"} <= counts.keys()


def test_a_seed_is_one_story() -> None:
    """The same seed gives the same awaits at the same moments, the same mishaps and the same end."""
    for seed in (0, 3, 17, 40):
        once, again = simulate(seed), simulate(seed)
        assert once.trace == again.trace, f"seed {seed} ran in two ways"
        assert once.story == again.story


def test_a_seed_is_one_story_under_every_hash_seed() -> None:
    """Nothing hangs on the order of a set, nor on where an object lies."""
    code = "from tests.simulation.run import simulate\nprint([simulate(s).trace for s in range(6)])"
    traces = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for hash_seed in ("1", "2", "777")
    }
    assert len(traces) == 1


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_thousands_of_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    """The same, from where `make test` stops."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    began = time.process_time()
    for seed in range(SEEDS, SEEDS + MANY):
        ran = simulate(seed)
        counts += ran.counts
        wrong += [ran.told()] if ran.violations else []
    took = time.process_time() - began
    with capsys.disabled():
        print(f"\n{MANY} seeds in {took:.0f} s of CPU, {MANY / took:.1f}/s; {len(wrong)} with violations")
        print(" ".join(f"{what}={n}" for what, n in sorted(counts.items())))
    assert not wrong, "\n".join(wrong[:5])
