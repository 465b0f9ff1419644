"""Reading ahead: a seat may have read more than it commits, and what it read beyond that comes again, whole."""

from warn.model.flow import COLLECT, DETECT, MATCH, MENTIONS, SIGNALS
from warn.stages.base import In, Out
from warn.testing.bus_handle import Handle, mention

RECORDS = 8
READ, DONE = 6, 2


async def check_read_ahead(bus: Handle) -> None:
    """Six are read, two are committed, the seat ends: the next one reads the other four again, and all that follow. So too
    when it happens twice, and where the records come from a seat that has taken in input of its own.
    """
    collect = await bus.open(COLLECT, 0)
    for n in range(RECORDS):
        await collect.commit([mention(0, b"%d" % n)], {}, 0)
    match = await bus.open(MATCH, 0)
    await match.restore()
    for _ in range(RECORDS):
        (one,) = await match.read(1, 5.0)
        await match.commit([Out(SIGNALS, 0, b"", one.value)], {}, one.position + 1)
    await match.close()
    for stage, topic in ((DETECT, SIGNALS), (MATCH, MENTIONS)):
        if stage == MATCH:
            for n in range(RECORDS, 2 * RECORDS):
                await collect.commit([mention(0, b"%d" % n)], {}, 0)
        first = 0 if stage == DETECT else RECORDS
        wanted = [b"%d" % n for n in range(first, first + RECORDS)]
        for restart in (False, True):
            wanted = await _some(bus, stage, wanted)
            if restart:
                await bus.restart()
                collect = await bus.open(COLLECT, 0)
        seat = await bus.open(stage, 0)
        await seat.restore()
        found = [one.value for one in await seat.read(100, 5.0)]
        assert found == wanted, f"[{topic}] read on: {found}, and {wanted} were still to come"
        await seat.close()


async def _some(bus: Handle, stage: str, wanted: list[bytes]) -> list[bytes]:
    """Read ahead, commit a part, and end; what is still to come."""
    seat = await bus.open(stage, 0)
    committed = (await seat.restore()).committed
    assert seat.position >= committed, "a seat begins before its committed position"
    ahead: list[In] = []
    while len(ahead) < min(READ, len(wanted)) and (some := await seat.read(READ - len(ahead), 5.0)):
        ahead += some
    assert [one.value for one in ahead] == wanted[:READ], (
        f"{stage} reads again: {[one.value for one in ahead]}"
    )
    await seat.commit([], {b"k": b"v"}, ahead[DONE - 1].position + 1)
    await seat.close()
    return wanted[DONE:]
