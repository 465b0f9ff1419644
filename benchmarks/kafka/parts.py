"""Where a worker's time goes: a look at the stack for each millisecond or so of CPU time, put down to a part of the work.

The kernel counts in its own ticks (1 to 4 ms), so a second gives a few hundred looks; shares below 1 % mean little. Other
threads than the main one are not seen.
"""

import linecache
import signal
from collections import Counter
from functools import lru_cache
from types import FrameType
from typing import Final

EVERY_S: Final = 0.001
_RULES: Final = (
    # (in the path, function or "", in the line or "", part); the first that fits the innermost frame that any fits.
    ("warn/match/matcher.py", "", "_find(", "scan"),
    ("warn/match/matcher.py", "", "fold", "fold"),
    ("warn/match/fold.py", "", "", "fold"),
    ("warn/match/lexicon.py", "", "", "scan of the lexicon"),
    ("warn/match/matcher.py", "", "", "edges and rules"),
    ("warn/match/edge.py", "", "", "edges and rules"),
    ("warn/match/index.py", "", "", "edges and rules"),
    ("warn/match/atom.py", "", "", "edges and rules"),
    ("warn/match/pattern.py", "", "", "edges and rules"),
    ("warn/match/", "", "", "terms, story, link"),
    ("warn/aggregate/memory.py", "offer", "", "state encode"),
    ("warn/aggregate/memory.py", "", "", "memory of posts"),
    ("warn/aggregate/", "", "", "tally"),
    ("warn/stages/evidence.py", "", "", "evidence"),
    ("warn/stages/intake.py", "", "evidence", "evidence"),
    ("warn/stages/intake.py", "", "", "what it counts as"),
    ("warn/model/wire.py", "", "", "decode"),
    ("warn/stages/match.py", "_read", "", "decode"),
    ("warn/stages/match.py", "_clock", "", "decode"),
    ("warn/stages/match.py", "_write", "", "encode"),
    ("warn/stages/match.py", "offer", "", "state encode"),
    ("warn/stages/", "", "", "steps of the stage"),
    ("aiokafka/consumer", "", "", "fetch"),
    ("aiokafka/record", "", "", "records and compression"),
    ("aiokafka/producer", "", "", "produce and commit"),
    ("aiokafka/", "", "", "connections"),
    ("warn/bus/kafka/tail.py", "", "", "fetch"),
    ("warn/bus/kafka/chain.py", "takes", "", "fetch"),
    ("warn/bus/kafka/seat.py", "read", "", "fetch"),
    ("warn/bus/", "", "", "produce and commit"),
    ("warn/telemetry/", "", "", "telemetry"),
    ("prometheus_client/", "", "", "telemetry"),
    ("warn/worker.py", "", "", "worker and loop"),
    ("asyncio/", "", "", "worker and loop"),
    ("selectors.py", "", "", "worker and loop"),
)


class Looks:
    """Of the thread that makes it, from `start` to `stop`."""

    def __init__(self) -> None:
        self._found: Counter[str] = Counter()

    def start(self) -> None:
        """Begin to look."""
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def stop(self) -> dict[str, float]:
        """The share of each part, the largest first."""
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, signal.SIG_IGN)  # one may be on its way
        whole = self._found.total() or 1
        return {part: looks / whole for part, looks in self._found.most_common()}

    def _look(self, _signal: int, frame: FrameType | None) -> None:
        while frame is not None:
            part = _part(frame.f_code.co_filename, frame.f_code.co_name, frame.f_lineno or 0)
            if part:
                self._found[part] += 1
                return
            frame = frame.f_back
        self._found["other"] += 1


@lru_cache(maxsize=10_000)
def _part(path: str, function: str, number: int) -> str:
    line = linecache.getline(path, number)
    for where, name, holds, part in _RULES:
        if where in path and (not name or name == function) and holds in line:
            return part
    return ""
