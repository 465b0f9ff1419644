"""Ends a process that is stuck, so that whoever watches over it starts another one: nothing is lost by that.

Three things make it stuck: its event loop does not turn; a worker has input and nothing becomes of it, though the engine
answers (a client may go quiet and say so nowhere); more clients than can be borne would not end. What is merely slow,
stopped for a while, or without an engine is not stuck.
"""

import os
import select
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Final

LOOP_S: Final = 30.0
LOOK_S: Final = 1.0
EXIT_CODE: Final = 1
LAST_WORDS_S: Final = 2.0
_STDERR: Final = 2

End = Callable[[str], None]


class Watchdog:
    """A thread that sees whether the loop turns: `beat` is to be called by it, every second or so.

    It counts its own looks, not time: a process that was stopped (SIGSTOP, a machine asleep) did not look either. `end`
    is given why, and does not return.
    """

    def __init__(self, *, loop_s: float = LOOP_S, look_s: float = LOOK_S, end: End | None = None) -> None:
        self._most = max(2, round(loop_s / look_s))
        self._loop_s, self._look_s = loop_s, look_s
        self._end = end or end_process
        self._beats = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def beat(self) -> None:
        """The loop has turned."""
        self._beats += 1

    def condemn(self, why: str) -> None:
        """The loop itself has seen that something is stuck for good."""
        self._end(why)

    def stop(self) -> None:
        """Look no more."""
        self._over.set()

    def _watch(self) -> None:
        seen, looks = -1, 0
        while not self._over.wait(self._look_s):
            beats = self._beats
            seen, looks = beats, (looks + 1 if beats == seen else 0)
            if looks >= self._most:
                self._end(f"the event loop has not turned for {self._loop_s:.0f} s")


def end_process(why: str) -> None:
    """Say why, where every thread stands, and end at once."""
    # Whoever reads our standard error may be what is stuck: the end must not wait for that.
    last = threading.Timer(LAST_WORDS_S, os._exit, (EXIT_CODE,))
    last.daemon = True
    last.start()
    _say(f"warn: stuck: {why}. This process ends, to be started anew; nothing is lost.\n")
    for frame in sys._current_frames().values():  # noqa: SLF001 - the one way to see other threads
        # Files, lines and names of functions: no value of anything.
        _say("".join(["thread:\n", *traceback.format_stack(frame)[-12:]]))
    os._exit(EXIT_CODE)


def _say(text: str) -> None:
    _, writable, _ = select.select([], [_STDERR], [], LAST_WORDS_S)
    if writable:
        os.write(_STDERR, text.encode("utf-8", "replace")[: select.PIPE_BUF])
