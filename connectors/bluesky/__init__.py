"""Bluesky, all of it, by Jetstream: version 2 where a host has it, else version 1.

Version 2 numbers its events, so reading goes on exactly where it ended, and nothing need be remembered of what was read.
Version 1 has times only: it is rewound by 5 s, and so is any other host than the one whose numbers we have.
"""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Annotated, Final, Literal

import msgspec
from pydantic import AfterValidator, Field

from connectors.bluesky.events import SHORT
from connectors.bluesky.stream import REWIND_US, Place, Recent, Stream, read_place
from warn.ingest.burst import burst
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor
from warn.ingest.hosts import host_address
from warn.ingest.kind import Kind
from warn.ingest.outbound import Frames, Outbound
from warn.model.errors import PermanentError, Reason, WarnError

HOSTS: Final = (
    "jetstream.us-east.bsky.network",
    "jetstream.us-west.bsky.network",
    "jetstream2.us-east.bsky.network",
    "jetstream2.us-west.bsky.network",
    "jetstream1.us-east.bsky.network",
    "jetstream1.us-west.bsky.network",
)
PATHS: Final = {2: "/xrpc/network.bsky.jetstream.subscribeEvents", 1: "/subscribe"}
MOST_FRAME: Final = 8 * 1024 * 1024
"""A record has at most 1 MB; escaped as JSON it can be six times as much, and one that we cannot take would stop us."""
MOST_TOGETHER: Final = 500
SILENCE_S: Final = 30.0
"""Somebody posts many times a second. With a monitor's three minutes it has to be noticed in less than one."""
_NOT_THERE: Final = frozenset({Reason.CLIENT, Reason.GONE, Reason.MALFORMED, Reason.AUTH})
"""What a host answers that does not have this version, or does not take this cursor: perhaps it takes the next."""
_TELLING: Final = (Reason.CLIENT, Reason.MALFORMED, Reason.GONE, Reason.AUTH)
"""Where several things were refused, the last of these says most: that a path is not there is said of half of them."""
_SCHEMES: Final = {"ws": "ws", "http": "ws", "wss": "wss", "https": "wss", "": "wss"}


def _addresses(hosts: tuple[str, ...]) -> tuple[str, ...]:
    like = "a name, with or without a port, or ws:// or wss:// and a name"
    return tuple(host_address(one, _SCHEMES, like) for one in hosts)


class BlueskyConfig(ConnectorConfig):
    """`hosts`: servers of Jetstream, the first that answers is read. `collections`: of `post`, `repost`, `like` and `profile` those
    that are asked for; likes are most of the traffic.
    """

    type: Literal["bluesky"] = "bluesky"
    hosts: Annotated[tuple[str, ...], AfterValidator(_addresses)] = Field(
        default=_addresses(HOSTS), min_length=1
    )
    collections: tuple[Literal["post", "repost", "like", "profile"], ...] = Field(
        default=("post", "repost", "like", "profile"), min_length=1
    )


class BlueskyConnector:
    """Reads one host after the other. `silence_s`: so long without a frame is an error."""

    def __init__(self, config: BlueskyConfig, *, silence_s: float = SILENCE_S) -> None:
        self._config, self._silence_s = config, silence_s
        self._turn = 0
        self._recent = Recent()

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def source(self) -> str:
        return self._config.origin

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """Raises what ends the stream; the next time another host is asked, where this one gave nothing."""
        at = _read_cursor(cursor)
        heard = False
        try:
            async with Outbound("bluesky", inside=self._config.inside) as out, AsyncExitStack() as stack:
                frames, stream = await self._connect(stack, out, at)
                while stream.ended is None:
                    batch = stream.take(await burst(frames.receive, most=MOST_TOGETHER), self._recent)
                    heard = heard or bool(stream.told)
                    yield batch
                    # Only now is it on the bus; what was lost with a step must not be taken for read.
                    self._recent.add(stream.told, stream.us)
                raise stream.ended
        except WarnError:
            self._turn += not heard
            raise

    async def _connect(self, stack: AsyncExitStack, out: Outbound, at: Place | None) -> tuple[Frames, Stream]:
        """The first host, from the one whose turn it is, that answers as if it had Jetstream."""
        wrong: WarnError | None = None
        for _ in self._config.hosts:
            host = self._config.hosts[self._turn % len(self._config.hosts)]
            try:
                return await self._connect_to(stack, out, host, at)
            except WarnError as e:
                if e.reason not in _NOT_THERE:
                    raise
                wrong = _telling(wrong, e)
                self._turn += 1
        raise wrong or PermanentError("bluesky: no hosts", reason=Reason.CONFIG)

    async def _connect_to(
        self, stack: AsyncExitStack, out: Outbound, host: str, at: Place | None
    ) -> tuple[Frames, Stream]:
        """Version 2, then 1; from the cursor, and where that is refused, from now on."""
        wrong: WarnError | None = None
        for version, path in PATHS.items():
            for start in (at, None) if at else (None,):
                opening = out.frames(
                    host + path, params=self._params(version, host, start), silence_s=self._silence_s, most=MOST_FRAME
                )  # fmt: skip
                try:
                    frames = await stack.enter_async_context(opening)
                except WarnError as e:
                    if e.reason not in _NOT_THERE:
                        raise
                    wrong = _telling(wrong, e)
                    continue
                lost = None if start else at
                return frames, Stream(self.source, host, version, start, lost)
        assert wrong is not None
        raise wrong

    def _params(self, version: int, host: str, start: Place | None) -> list[tuple[str, str]]:
        wanted = "collections" if version == 2 else "wantedCollections"
        params = [(wanted, SHORT[one]) for one in self._config.collections]
        if version == 2:
            params += [("kinds", one) for one in ("commit", "account", "identity")]
        if start is not None:
            exact = version == 2 and start.host == host and start.seq is not None
            params.append(("cursor", str(start.seq if exact else max(0, start.us - REWIND_US))))
        return params


def _telling(one: WarnError | None, other: WarnError) -> WarnError:
    """Of two refusals the one that says more about what to do; of two of a kind the later."""
    if one is None or _rank(other) >= _rank(one):
        return other
    return one


def _rank(error: WarnError) -> int:
    return _TELLING.index(error.reason) if error.reason in _TELLING else len(_TELLING)


def _read_cursor(cursor: Cursor | None) -> Place | None:
    if cursor is None:
        return None
    try:
        return read_place(cursor)
    except msgspec.MsgspecError:
        raise PermanentError("bluesky: a cursor that is none of ours", reason=Reason.MALFORMED) from None


KIND = Kind(BlueskyConfig, BlueskyConnector)
