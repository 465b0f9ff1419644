"""What everything that is sent to must hold to: run this on yours in `tests/contract`.

It is given genuine calls, forged ones, repeats and whatever else comes in from the open network; the last part goes through
the real supervisor onto a real bus.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Final

from warn.bus.memory import MemoryBus, MemoryStore
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Call, Inbound, Reply
from warn.ingest.entry import RefusedError, check
from warn.ingest.pushes import Pushes
from warn.ingest.supervisor import Supervisor
from warn.model.flow import MENTIONS
from warn.model.hashing import PUBLIC_KEY
from warn.model.rules import RuleSet
from warn.testing.check_connector import everything, landed

PATIENCE_S: Final = 20.0
SLOWEST_S: Final = 2.0
_HUGE: Final = 1024 * 1024
_DAY_S: Final = 86_400.0

Make = Callable[[], tuple[ConnectorConfig, Inbound]]
Seal = Callable[[bytes, float], Call]
"""A genuine call with this body at this time (seconds)."""


async def check_inbound(
    make: Make, seal: Seal, body: bytes, *, secrets: Sequence[str] = (), timed: bool, signs_body: bool = True
) -> None:
    """Raises AssertionError with what is wrong.

    `body` holds at least one mention or reading. `secrets`: keys, that no answer may say. `timed`: its signature says when
    it was made. `signs_body`: it depends on the body (a token does not).
    """
    now = time.time()
    call = seal(body, now)
    replies = [_genuine(make, call)]
    replies += _forged(make, seal, body, now, timed=timed, signs_body=signs_body)
    replies += _whatever(make, seal, now)
    for reply in replies:
        for secret in secrets:
            assert secret not in repr(reply), "an answer says a secret"
    await _counts_once(make, call)


def _receive(make: Make, call: Call) -> Reply:
    _, inbound = make()
    assert inbound.name == inbound.name.strip() != "", "it has no name"
    started = time.monotonic()
    try:
        reply = inbound.receive(call)
    except Exception as e:
        raise AssertionError(f"it raised {type(e).__name__} on {call.method} {len(call.body)} bytes") from e
    took = time.monotonic() - started
    assert took < SLOWEST_S, f"it took {took:.1f} s for {len(call.body):,} bytes"
    for item in reply.batch.items:
        try:
            check(item)
        except RefusedError as e:
            raise AssertionError(f"an item would be refused at the door: {e}") from e
    for one in reply.batch.refused:
        assert one.message, "a refusal without a reason"
        assert len(one.payload) <= 4_096, "a refusal keeps more than 4 kB"
    return reply


def _genuine(make: Make, call: Call) -> Reply:
    reply = _receive(make, call)
    assert 200 <= reply.status < 300, f"a genuine call was answered {reply.status}: {reply.why}"
    assert reply.batch.items or reply.batch.readings, "a genuine call said nothing"
    assert _receive(make, call) == reply, (
        "the same call was answered in two ways: it must not remember or draw lots"
    )
    return reply


def _forged(make: Make, seal: Seal, body: bytes, now: float, *, timed: bool, signs_body: bool) -> list[Reply]:
    call = seal(body, now)
    forged = {"no headers": call._replace(headers={})}
    for name, value in call.headers.items():
        forged[f"{name} left out"] = call._replace(
            headers={k: v for k, v in call.headers.items() if k != name}
        )
        forged[f"{name} changed"] = call._replace(
            headers={**call.headers, name: value[:-2] + _other(value[-2:])}
        )
    if signs_body:
        flipped = bytearray(body)
        flipped[len(body) // 2] ^= 1
        forged["one bit of the body flipped"] = call._replace(body=bytes(flipped))
        forged["a space after the body"] = call._replace(body=body + b" ")
        forged["no body"] = call._replace(body=b"")
    if timed:
        forged["a day late"] = call._replace(at=now + _DAY_S)
        forged["a day early"] = call._replace(at=now - _DAY_S)
    replies = []
    for what, one in forged.items():
        reply = _receive(make, one)
        assert reply.status in {401, 403}, f"{what}: answered {reply.status}"
        assert reply.why, f"{what}: no reason for the log"
        replies.append(reply)
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"):
        reply = _receive(make, call._replace(method=method))
        assert reply.status >= 400, f"{method}: answered {reply.status}"
        replies.append(reply)
    for reply in replies:
        assert not reply.batch.items, "a forged call was taken"
        assert not reply.batch.readings, "a forged call was taken"
    return replies


def _other(end: str) -> str:
    return "".join("0" if c != "0" else "1" for c in end)


def _whatever(make: Make, seal: Seal, now: float) -> list[Reply]:
    """Genuine calls with bodies that make no sense."""
    chance = random.Random(4)
    bodies = [
        b"", b" ", b"null", b"[]", b"{}", b"0", b'"text"', b"\xff\xfe", b"\xef\xbb\xbf{}", b"{", b"NaN", b"1e999",
        b"[" * 100_000, b'{"a":' * 40 + b"1" + b"}" * 40, b'{"data":[{}]}', b'"' + b"\\" * 100_000 + b'"',
        b'{"data":"' + b"a" * (_HUGE - 20) + b'"}', b"[" + b"{}," * 300_000 + b"{}]", b'{"id":"\\ud800","text":"\\ud83d"}',
        b"9" * 100_000,
    ]  # fmt: skip
    bodies += [json.dumps(_drawn(chance, 4)).encode() for _ in range(100)]
    replies = []
    for body in bodies:
        reply = _receive(make, seal(body, now))
        assert reply.status < 500, f"answered {reply.status} to {len(body)} bytes that make no sense"
        replies.append(reply)
    return replies


def _drawn(chance: random.Random, deep: int) -> object:
    if deep and chance.random() < 0.6:
        names = (
            "id",
            "data",
            "text",
            "event",
            "type",
            "entry",
            "changes",
            "value",
            "created_at",
            "author",
            "user",
        )
        if chance.random() < 0.5:
            return {chance.choice(names): _drawn(chance, deep - 1) for _ in range(4)}
        return [_drawn(chance, deep - 1) for _ in range(3)]
    return chance.choice([None, True, "", "a", -1, 0.5, 10**30, "2026-01-01T00:00:00Z", [], {}])


async def _counts_once(make: Make, call: Call) -> None:
    """Sent three times, once after a restart: on the bus once."""
    store = MemoryStore({MENTIONS: 1})
    for times in (2, 1):
        config, inbound = make()
        supervisor = Supervisor(MemoryBus(store), [], key=PUBLIC_KEY, compiles=everything)
        supervisor.publish_ruleset(RuleSet())
        pushes = Pushes([(config, inbound)], supervisor.push)
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            running = group.create_task(supervisor.run())
            while not supervisor.takes:  # noqa: ASYNC110 - it tells nobody, and the seat is there at once
                await asyncio.sleep(0.005)
            for _ in range(times):
                answer = await pushes.deliver(inbound.name, call)
                assert 200 <= answer.status < 300, f"answered {answer.status} where it was to be taken"
            state = pushes.states()[0]
            assert state.source == inbound.source, "its state is of another source"
            supervisor.stop()
            await running
    found = landed(store)
    assert found, "nothing reached [mentions]"
    assert max(found.values()) == 1, "what was sent again counts again"
