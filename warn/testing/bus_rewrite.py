"""Blanking: what somebody wants gone is changed where it lies, and nothing else is."""

from warn.model.flow import COLLECT, EVIDENCE, MATCH, MENTIONS
from warn.stages.base import Out
from warn.testing.bus_handle import Handle, following, mention


async def check_rewrite(bus: Handle) -> None:
    """Records are changed in place; their positions and all others stay, and a stage reads what they became. An engine
    that cannot says None, and changes nothing.
    """
    seat = await bus.open(COLLECT, 0)
    for n in range(700):
        said = b"%d secret" % n if n % 3 else b"%d plain" % n
        await seat.commit([mention(n % 2, said), Out(EVIDENCE, 0, b"e", said)], {}, 0)

    def blank(value: bytes) -> bytes | None:
        return value.replace(b" secret", b"") if b"secret" in value else None

    changed = await bus.rewrite(MENTIONS, blank)
    async with following(bus, MENTIONS) as reader:
        found = [one[3] for one in sorted(await bus.everything(reader), key=lambda one: one[:2])]
    async with following(bus, EVIDENCE) as reader:
        shown = [value for _, _, _, value in await bus.everything(reader)]
    assert sum(b"secret" in value for value in shown) == 466, "another topic was changed"
    if changed is None:
        assert len(found) == 700 and sum(b"secret" in value for value in found) == 466
        return
    assert changed == 466, f"{changed} were changed, and 466 are to be"
    expected = [b"%d plain" % n if n % 3 == 0 else b"%d" % n for part in (0, 1) for n in range(part, 700, 2)]
    assert found == expected, "rewriting lost records, moved them, or changed others"
    match = await bus.open(MATCH, 0)
    await match.restore()
    first, second, *_ = await match.read(100, 5.0)
    assert (first.value, second.value) == (b"0 plain", b"2"), "a stage reads what is there no more"
    assert await bus.rewrite(MENTIONS, blank) == 0, "done twice, it finds nothing more"
