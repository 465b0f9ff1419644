"""Parcels: in order within a partition, never too large, and nothing left out."""

from hypothesis import given
from hypothesis import strategies as st

from warn.ingest.parcels import MOST, clocks, pack
from warn.model.hashing import partition_of
from warn.model.mention import Mention, Reading
from warn.model.records import Clock, Parcel
from warn.model.wire import decode_mentions


def mention(thread: int, text: str = "", key: int = 1) -> Mention:
    return Mention("s", key, thread, "post", text, 5)


@given(st.lists(st.integers(1, 2**64 - 1), max_size=700), st.sampled_from([1, 2, 6]))
def test_every_mention_arrives_once_in_order_in_its_partition(threads: list[int], partitions: int) -> None:
    mentions = [mention(thread, key=i + 1) for i, thread in enumerate(threads)]
    found: dict[int, list[Mention]] = {}
    for out in pack(mentions, (), partitions):
        parcel = decode_mentions(out.value)
        assert isinstance(parcel, Parcel)
        assert 0 < len(parcel.mentions) <= MOST
        found.setdefault(out.partition, []).extend(parcel.mentions)
    for partition in range(partitions):
        assert found.get(partition, []) == [
            m for m in mentions if partition_of(m.thread, partitions) == partition
        ]


def test_a_record_stays_well_under_a_megabyte() -> None:
    outs = pack([mention(1, "\U0001f525" * 20_000, key) for key in range(1, 30)], (), 1)
    assert max(len(out.value) for out in outs) < 900_000
    assert sum(len(p.mentions) for o in outs if isinstance(p := decode_mentions(o.value), Parcel)) == 29


def test_readings_of_one_series_stay_in_one_partition_in_order() -> None:
    readings = [Reading("care", "Acme/all", "care", at, 60, 1000) for at in range(450)]
    outs = pack((), readings, 6)
    assert len({out.partition for out in outs}) == 1
    found = [r for o in outs if isinstance(p := decode_mentions(o.value), Parcel) for r in p.readings]
    assert found == readings


def test_a_clock_goes_to_every_partition() -> None:
    clock = Clock(7, ("forum",), ("ab",))
    outs = clocks(clock, 6)
    assert [out.partition for out in outs] == list(range(6))
    assert {decode_mentions(out.value) for out in outs} == {clock}
