"""A Jetstream of made-up events: which event stands at a number is fixed, so both ends know what was sent.

Run as a process it serves them on loopback, each at its due time, from whatever number it is asked for.
"""

import asyncio
import base64
import hashlib
import json
import random
import struct
import sys
import time
from enum import Enum
from typing import Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

POST: Final = "app.bsky.feed.post"
REPOST: Final = "app.bsky.feed.repost"
LIKE: Final = "app.bsky.feed.like"

TOPICS: Final = 10
WORD: Final = "acmekettle"
EVERY: Final = 50
"""One event in so many is about us: 2 %."""
OLDEST: Final = 600
"""How many posts of ours back an echo reaches: at 5,000 events a second half a minute."""
PEOPLE: Final = 20_000
_WORDS: Final = (
    *(
        "the",
        "a",
        "of",
        "weather",
        "match",
        "today",
        "never",
        "again",
        "really",
        "good",
        "train",
        "late",
        "coffee",
    ),
    *(
        "people",
        "what",
        "happened",
        "look",
        "at",
        "this",
        "new",
        "song",
        "game",
        "dog",
        "cat",
        "photo",
        "morning",
    ),
    *(
        "work",
        "home",
        "think",
        "know",
        "said",
        "music",
        "house",
        "green",
        "blue",
        "time",
        "year",
        "week",
        "school",
    ),
)
_rng = random.Random(5)
_TEXTS: Final = [" ".join(_rng.choices(_WORDS, k=_rng.randint(4, 30))) for _ in range(997)]


class Kind(Enum):
    """What an event counts as, if it is about us."""

    MENTION = "mention"
    ECHO = "echo"
    EDIT = "edit"
    OTHER = "other"


class Made(NamedTuple):
    """An event. `target`: the uri that it answers or is about; `topic`: the number of ours, None for the world's."""

    kind: Kind
    collection: str
    uri: str
    did: str
    rkey: str
    topic: int | None = None
    operation: str = "create"
    text: str = ""
    target: str = ""
    quotes: bool = False


def _did(n: int) -> str:
    return f"did:plc:{n % PEOPLE:024}"


def _made(i: int, kind: Kind, collection: str, topic: int | None = None, **more: object) -> Made:
    did = _did(i * 7919)
    rkey = f"3m{i:011}"
    return Made(kind, collection, f"at://{did}/{collection}/{rkey}", did, rkey, topic, **more)  # type: ignore[arg-type]


def _post_of_ours(number: int) -> Made:
    i = number * 5 * EVERY + 7
    topic = number % TOPICS
    text = f"{_TEXTS[number % 997]} {WORD}{topic} {_TEXTS[number % 991]}"
    return _made(i, Kind.MENTION, POST, topic, text=text)


def _about_us(i: int) -> Made:
    n = i // EVERY
    newest = n // 5
    if n % 5 == 0:
        return _post_of_ours(newest)
    back = n * 7919 % OLDEST
    post = _post_of_ours(newest - back if back <= newest else newest)
    topic, target = post.topic, post.uri
    if n % 5 == 1 or n % 20 == 9:
        return _made(i, Kind.ECHO, LIKE, topic, target=target)
    if n % 5 == 2 or n % 20 == 19:
        return _made(i, Kind.ECHO, REPOST, topic, target=target)
    if n % 10 == 3:
        return _made(i, Kind.ECHO, POST, topic, target=target, text="shame on you")
    if n % 10 == 8:
        return _made(i, Kind.MENTION, POST, topic, target=target, text=f"same with my {WORD}{topic} here")
    if n % 20 == 4:
        return _made(i, Kind.ECHO, POST, topic, target=target, text="look at this", quotes=True)
    return post._replace(kind=Kind.EDIT, operation="update", text=f"{post.text}, edited {i}")


def plan(i: int) -> Made:
    """The event of this number."""
    if i % EVERY == 7:
        return _about_us(i)
    r = i % 20
    if r < 4:
        return _made(i, Kind.OTHER, POST, text=_TEXTS[i % 997])
    other = f"at://{_did(i * 31)}/{POST}/3k{i * 17 % 1_000_003:011}"
    if r < 6:
        return _made(i, Kind.OTHER, REPOST, target=other)
    if r == 6:
        return _made(i, Kind.OTHER, POST, text=_TEXTS[i % 983], target=other)
    if r == 8:
        return _made(i, Kind.OTHER, LIKE, operation="delete")
    return _made(i, Kind.OTHER, LIKE, target=other)


_CID: Final = "bafyreiaxf7tgbfydx3465sckitq6v564thxe2wwydbi7cwxbxvgssje3em"


def _record(one: Made) -> dict[str, object]:
    ref = {"cid": _CID, "uri": one.target}
    said: dict[str, object] = {"$type": one.collection, "createdAt": "2026-05-25T14:23:28.778Z"}
    if one.collection != POST:
        return {**said, "subject": ref}
    said |= {"text": one.text, "langs": ["en"]}
    if one.quotes:
        said["embed"] = {"$type": "app.bsky.embed.record", "record": ref}
    elif one.target:
        said["reply"] = {"root": ref, "parent": ref}
    return said


def _stamp(us: int) -> str:
    second, rest = divmod(us, 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(second))}.{rest:06}Z"


def message(i: int, us: int, version: int) -> bytes:
    """The frame's text."""
    one = plan(i)
    commit: dict[str, object] = {"rev": f"3m{i:011}", "operation": one.operation, "collection": one.collection,
                                 "rkey": one.rkey}  # fmt: skip
    if one.operation != "delete":
        commit |= {"record": _record(one), "cid": _CID}
    if version == 1:
        said = {"did": one.did, "time_us": us, "kind": "commit", "commit": commit}
    else:
        said = {"$type": "message", "payload": {"$type": "network.bsky.jetstream.subscribeEvents#commit", "seq": i + 1,
                                                "did": one.did, "time": _stamp(us), **commit}}  # fmt: skip
    return json.dumps(said, separators=(",", ":")).encode()


def _frame(body: bytes) -> bytes:
    n = len(body)
    return (b"\x81" + bytes([n]) if n < 126 else b"\x81\x7e" + struct.pack(">H", n)) + body


async def _answer_pings(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until the client goes; it sends nothing but small control frames, masked."""
    while True:
        first, size = await reader.readexactly(2)
        mask, body = await reader.readexactly(4), await reader.readexactly(size & 0x7F)
        if first == 0x89:
            writer.write(bytes([0x8A, len(body)]) + bytes(c ^ mask[i % 4] for i, c in enumerate(body)))
        elif first == 0x88:
            raise ConnectionResetError


class Serving:
    """Plays so many events at so many a second to whoever connects; the first one starts the clock.

    `breaks`: how often it breaks off on the way, evenly spread.
    """

    def __init__(self, total: int, rate: int, version: int, breaks: int) -> None:
        self._total, self._rate, self._version = total, rate, version
        self._breaks = [total * (k + 1) // (breaks + 1) for k in range(breaks)]
        self._began_us = 0
        self.latest_ms = 0.0
        """By how much an event was sent late at the worst; while somebody catches up it is not told."""

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, from its handshake to its end."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        target = urlsplit(head.split()[1])
        if ("xrpc" in target.path) != (self._version == 2):
            writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            writer.close()
            return
        key = next(
            line.split(":")[1].strip()
            for line in head.split("\r\n")
            if line.lower().startswith("sec-websocket-key")
        )
        accept = base64.b64encode(
            hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
        )
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
                     b"sec-websocket-accept: " + accept + b"\r\n\r\n")  # fmt: skip
        self._began_us = self._began_us or int(time.time() * 1e6)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_answer_pings(reader, writer))
                await self._play(writer, self._start(parse_qs(target.query).get("cursor", [""])[0]))
        except* (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _start(self, cursor: str) -> int:
        if not cursor:
            return 0
        number = int(cursor)
        return number - 1 if number < 10**15 else max(0, (number - self._began_us) * self._rate // 1_000_000)

    async def _play(self, writer: asyncio.StreamWriter, i: int) -> None:
        caught_up = False
        while i < self._total:
            due = min(self._total, int((time.time() * 1e6 - self._began_us) * self._rate / 1e6) + 1)
            if self._breaks and due >= self._breaks[0]:
                self._breaks.pop(0)
                writer.transport.abort()
                raise ConnectionResetError
            until = min(due, i + 200)
            if until > i:
                body = b"".join(
                    _frame(message(n, self._began_us + n * 1_000_000 // self._rate, self._version)) for n in range(i, until)
                )  # fmt: skip
                if caught_up:
                    self.latest_ms = max(
                        self.latest_ms, time.time() * 1e3 - self._began_us / 1e3 - i * 1e3 / self._rate
                    )
                writer.write(body)
                await writer.drain()
            caught_up = caught_up or until == due
            i = until
            if until == due:
                await asyncio.sleep(0.004)


async def serve(total: int, rate: int, version: int, breaks: int) -> None:
    """Until the parent closes our standard input; the port first, what it cost last, each as a line."""
    serving = Serving(total, rate, version, breaks)
    server = await asyncio.start_server(serving.connected, "127.0.0.1", 0, limit=65_536)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps({"cpu_s": time.process_time(), "late_ms": serving.latest_ms}), flush=True)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(*map(int, sys.argv[1:5])))
