"""What `spike` has learnt, as plain numbers, and its bytes.

Half hours are the unit in which lessons take effect: what a half hour teaches is gathered in the `now` and `new_*` fields and
joins the sums when a later half hour is first spoken of. So whatever is derived from the sums is the same for a whole
half hour, for a detector that was just restored as for one that never stopped.
"""

from typing import Final

import msgspec
from msgspec import Struct, field

from warn.detect.baseline import Levels
from warn.detect.dispersion import Dispersion
from warn.detect.profile import BINS, DAYS
from warn.detect.tail import Episodes, Tail

VERSION: Final = 1


class Now(Struct):
    """The half hour and clock hour that are open: counts, and the greatest surprise of each look; the
    greatest score and the threshold that was in force then."""

    half_hour: int = 0
    count: float = 0.0
    hour: int = 0
    peaks: list[float] = field(default_factory=list)
    peak: float = 0.0
    bar: float = 0.0
    loud: bool = False


class Learned(Struct, forbid_unknown_fields=True):
    """All of it. `quiet_at` and `last`: the latest minute found quiet, and the latest lesson, in seconds."""

    version: int
    start: int
    dispersion: Dispersion
    tails: list[Tail]
    now: Now
    quiet_at: int
    last: int
    levels: Levels = field(default_factory=Levels)
    episodes: Episodes = field(default_factory=Episodes)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Learned).decode


def fresh(start: int, windows: int, looks: int) -> Learned:
    """Nothing learnt yet of a series that began at `start`."""
    return Learned(
        version=VERSION,
        start=start,
        dispersion=Dispersion.of(windows),
        tails=[Tail() for _ in range(looks)],
        now=Now(peaks=[0.0] * looks),
        quiet_at=start,
        last=start,
    )


def to_bytes(learned: Learned) -> bytes:
    """msgpack of plain numbers; the same bytes for the same lessons."""
    return _encode(learned)


def from_bytes(body: bytes, windows: int, looks: int) -> Learned:
    """The inverse; ValueError for another version, another shape, or what is no state at all."""
    try:
        learned = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        raise ValueError(f"no state of a spike detector: {e}") from None
    if learned.version != VERSION:
        raise ValueError(
            f"state of a spike detector, version {learned.version}; this release reads {VERSION}"
        )
    d, p = learned.dispersion, learned.levels.profile
    sizes = [len(x) for x in (d.excess, d.evidence, d.new_excess, d.new_evidence, d.block, d.number, d.mean)]
    if set(sizes) != {windows} or len(learned.tails) != looks or len(learned.now.peaks) != looks:
        raise ValueError(f"state of a spike detector with other windows: {sizes[0]} of them, not {windows}")
    if len(p.day) != BINS or len(p.week) != DAYS:
        raise ValueError("state of a spike detector with another day or week")
    return learned
