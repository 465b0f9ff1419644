"""The watchdog, for real in child processes: what is stuck ends, says why and where; what is slow or stopped does not."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CHILD = """
import asyncio, sys, time
from warn.app.watchdog import Watchdog

def deaf_to_the_world():
    time.sleep(60)

async def main(what):
    dog = Watchdog(loop_s=1.0, look_s=0.1)
    dog.start()
    print("on", flush=True)
    for turn in range(30):
        dog.beat()
        await asyncio.sleep(0.05)
        if turn == 5 and what == "stuck":
            deaf_to_the_world()
        if turn == 5 and what == "slow":
            time.sleep(0.5)
        if turn == 5 and what == "condemned":
            dog.condemn("match 3 has input and has done nothing for 61 s")
    dog.stop()
    print("well", flush=True)

asyncio.run(main(sys.argv[1]))
"""


def child(what: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, what], stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_a_loop_that_does_not_turn_ends_the_process() -> None:
    """Exit code 1, a line that says what it was, and where each thread stood."""
    done = child("stuck")
    _, told = done.communicate(timeout=30)
    assert done.returncode == 1
    assert told.startswith("warn: stuck: the event loop has not turned for 1 s. This process ends")
    assert "deaf_to_the_world" in told


def test_what_the_loop_itself_finds_stuck_ends_the_process() -> None:
    """A worker that does nothing, clients that will not end: no matter that the loop turns."""
    done = child("condemned")
    _, told = done.communicate(timeout=30)
    assert done.returncode == 1
    assert "warn: stuck: match 3 has input and has done nothing for 61 s" in told


def test_slow_is_not_stuck() -> None:
    """Half of what is allowed."""
    done = child("slow")
    out, told = done.communicate(timeout=30)
    assert (done.returncode, out, told) == (0, "on\nwell\n", "")


def test_a_process_that_was_stopped_is_not_stuck() -> None:
    """SIGSTOP for longer than a loop may stand still: the watchdog did not look either."""
    done = child("well")
    assert done.stdout is not None
    assert done.stdout.readline() == "on\n"
    done.send_signal(signal.SIGSTOP)
    time.sleep(2.5)
    done.send_signal(signal.SIGCONT)
    out, told = done.communicate(timeout=30)
    assert (done.returncode, out, told) == (0, "well\n", "")


def test_nobody_has_to_read_its_last_words() -> None:
    """A full pipe that nobody empties, which may be what the loop is stuck on, does not keep it alive."""
    read, write = os.pipe()
    try:
        os.set_blocking(write, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(write, b"x" * 4096)
        os.set_blocking(write, True)
        done = child("stuck", stderr=write)
        done.communicate(timeout=30)
        assert done.returncode == 1
    finally:
        os.close(read)
        os.close(write)
