"""One connection to Jetstream: where it was resumed, what its frames say, and how far we are."""

import time
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from connectors.bluesky.events import Event, StreamError, item_of, read_first, read_second
from warn.ingest.connector import Batch, Cursor, Departure, Gap, Refused
from warn.model.errors import Reason, TemporaryError, WarnError
from warn.model.mention import Item

REWIND_US: Final = 5_000_000
TOLERANCE_US: Final = 60_000_000
"""An event so much later than the cursor is not the next one: the feed is never silent for so long."""


class Place(Struct, frozen=True, omit_defaults=True):
    """How far we are: the time of the newest event, microseconds, and its number on this host, where it has one."""

    host: str
    us: int
    seq: int | None = None


read_place = msgspec.json.Decoder(Place).decode
"""Raises msgspec's errors."""


class Recent:
    """Which events were committed in the last 10 s and more, so that what another host says again is told apart."""

    def __init__(self) -> None:
        self._new: set[int] = set()
        self._old: set[int] = set()
        self._began = 0

    def add(self, keys: Sequence[int], us: int) -> None:
        """`us`: the time of the last of them."""
        if us - self._began > 2 * REWIND_US:
            self._old, self._new, self._began = self._new, set(), us
        self._new.update(keys)

    def __contains__(self, key: int) -> bool:
        return key in self._new or key in self._old


class Stream:
    """One connection: what its frames say, one handful after the other. `start`: where it was resumed, if it was;
    `lost`: from where on the host could not give us what it has.
    """

    def __init__(self, source: str, host: str, version: int, start: Place | None, lost: Place | None) -> None:
        self._source, self._host, self._version = source, host, version
        self._read = read_second if version == 2 else read_first
        self._start, self._lost = start, lost
        self._again = start.seq if start and version == 2 and start.host == host else None
        self._seq = self._again
        self.us = start.us if start else 0
        """When the newest event was, microseconds."""
        self._begun = False
        self.ended: WarnError | None = None
        self.told: list[int] = []
        """Of the last batch: which events it held."""
        self.passed_over = 0
        """Events that are no change of a record: news of accounts that say nothing."""

    def take(self, frames: Sequence[str | bytes], recent: Recent) -> Batch:
        """What they say. Where one says that it is the last, `ended` is why."""
        items: list[Item] = []
        refused: list[Refused] = []
        gaps: list[Gap] = []
        departed: list[Departure] = []
        self.told = []
        for frame in frames:
            try:
                event = self._read(frame)
                if not self._pass(event, gaps, recent):
                    continue
                if event.departed:
                    departed.append(Departure(self._source, event.did))
                    continue
                item = item_of(self._source, event)
            except StreamError as e:
                self.ended = _ending(str(e))
                break
            except (msgspec.MsgspecError, ValueError) as e:
                refused.append(Refused(self._where(), str(e)[:200], _raw(frame)))
                continue
            if item is not None:
                items.append(item)
        return Batch(
            items=tuple(items), cursor=self._cursor(), refused=tuple(refused), gaps=tuple(gaps),
            exact=self._version == 2 and not (self._again is None and self._rewound(self.us)), departed=tuple(departed),
        )  # fmt: skip

    def _pass(self, event: Event, gaps: list[Gap], recent: Recent) -> bool:
        """Move on to this event; whether there is something to be read in it that was not read before."""
        if event.notice:
            if event.notice == "OutdatedCursor":
                self._lost = self._lost or self._start
            return False
        us, seq = event.us, event.seq
        if not self._begun:
            self._begin(us, seq, gaps)
        if (
            self._start
            and self._again is not None
            and seq is not None
            and seq <= self._again
            and us <= self._start.us
        ):
            return False  # read before: the cursor is the number of the last event, which comes first
        # What is dated ahead of us is not where to go on: a host would take that for "from now on", and tell of no gap.
        self.us, self._seq = max(self.us, min(us, time.time_ns() // 1000 + TOLERANCE_US)), seq
        if not (event.operation or event.departed or event.handle):
            self.passed_over += 1
            return False
        key = hash((event.did, event.collection, event.rkey, event.rev, event.operation))
        if self._rewound(us) and key in recent:
            return False
        self.told.append(key)
        return True

    def _rewound(self, us: int) -> bool:
        """Whether an event of this time may have been read before."""
        return self._start is not None and us <= self._start.us + REWIND_US

    def _begin(self, us: int, seq: int | None, gaps: list[Gap]) -> None:
        """The first event shows whether the host has gone on where we asked it to."""
        self._begun = True
        start, lost = self._start, self._lost
        renumbered = self._again is not None and seq is not None and seq <= self._again
        if lost is None and start is not None and (us > start.us + TOLERANCE_US or renumbered):
            lost = start
        if lost is not None and us > lost.us:
            gaps.append(Gap(lost.us // 1_000_000, us // 1_000_000))
        if start is not None and us < start.us - REWIND_US - TOLERANCE_US:
            # Our cursor is of a time yet to come, so it was not heeded: what the host says now is where we are.
            self.us, self._seq, self._again = 0, None, None

    def _cursor(self) -> Cursor | None:
        if not self.us:
            return None
        return Cursor(msgspec.json.encode(Place(self._host, self.us, self._seq)).decode())

    def _where(self) -> str:
        return f"{self._source}, behind {self.us if self._seq is None else self._seq}"


def _ending(word: str) -> WarnError:
    """What the last frame of a stream means."""
    if word == "ConsumerTooSlow":
        return TemporaryError(
            "bluesky: the server ended the stream because we read too slowly; it goes on from where it was. If that "
            "comes again: this machine is too busy, or ask for fewer `collections`",
            reason=Reason.RATE_LIMITED,
        )
    return TemporaryError(
        "bluesky: the server ended the stream with an error of its own", reason=Reason.SERVER
    )


def _raw(frame: str | bytes) -> bytes:
    return (frame.encode(errors="surrogatepass") if isinstance(frame, str) else frame)[:4096]
