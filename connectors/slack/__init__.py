"""Slack: public channels that the settings name, and no other; by looking again, and at once by Socket Mode.

Each look reads the last day of a channel once more, newest first, and the threads that have new replies. That is how
edits are found, and messages that are no longer there. What was read before is skipped by the supervisor.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Annotated, Any, Final, Literal

import msgspec
from pydantic import Field, HttpUrl, SecretStr, StringConstraints

from connectors.slack.api import PLACE, REMEDIES, Api, OneChannelError
from connectors.slack.events import Left, at, ms, read_event
from connectors.slack.history import History
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor, Refused, Trouble
from warn.ingest.kind import Kind
from warn.ingest.outbound import Frames, Outbound
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError

__all__ = ["KIND", "SlackConfig", "SlackConnector", "read_event"]

OVERLAP_S: Final = 900
"""By so much replies are read again after a start, and with a socket on every look."""
SAFETY_S: Final = 600.0
"""With a socket, how often the history is looked at all the same."""
PRIVATE_S: Final = 3_600.0
"""How often it is looked at whether the channels are still public."""
SHORT_S: Final = 10.0
"""A socket that Slack ends sooner than this is a fault, not a change of servers."""
SILENT_S: Final = 86_400.0
"""A channel may be quiet for a day; that the socket lives is told by its pongs."""

Marks = dict[str, str]
Channel = Annotated[str, StringConstraints(pattern=r"^[CG][A-Z0-9]{2,20}$")]


class SlackConfig(ConnectorConfig):
    """Slack of an organisation: `role` is `internal` unless told otherwise, so `governance` is asked for."""

    type: Literal["slack"] = "slack"
    role: Literal["", "press", "internal", "care", "own"] = "internal"
    channels: tuple[Channel, ...] = Field(min_length=1, max_length=50)
    """Ids (C...) of public channels, from "View channel details"; no other is read."""
    token: SecretStr
    """Bot token (xoxb-...) with channels:history and channels:read."""
    app_token: SecretStr | None = None
    """App-level token (xapp-...) with connections:write: with it, Socket Mode tells at once."""
    every: Annotated[float, Field(ge=5, le=3_600)] = 30.0
    """Seconds between looks where there is no socket. Slack allows about 50 calls a minute: one for each channel and one
    for each thread with new replies.
    """
    bots: bool = False
    """Whether what bots say is read."""
    url: HttpUrl = HttpUrl("https://slack.com/api")


class SlackConnector:
    """The cursor is JSON: of each channel, the newest time up to which everything was yielded."""

    def __init__(self, config: SlackConfig, *, every_s: float | None = None) -> None:
        self._config = config
        self._every_s = config.every if every_s is None else every_s
        self._checked: float | None = None
        self._hidden: frozenset[str] = frozenset()
        self._unwell: dict[str, WarnError] = {}

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def source(self) -> str:
        return self._config.origin

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """Raises PermanentError (refused) for a channel that is private or a direct message."""
        marks = _marks(cursor)
        self._checked = None
        async with Outbound(PLACE, inside=self._config.inside, remedies=REMEDIES) as out:
            api = Api(out, str(self._config.url), self._config.token.get_secret_value())
            history = History(api, self.source, bots=self._config.bots)
            if self._config.app_token is None:
                read = self._poll(api, history, marks)
            else:
                read = self._stream(out, api, history, marks, self._config.app_token)
            async with aclosing(read):
                async for batch in read:
                    yield batch

    async def _poll(self, api: Api, history: History, marks: Marks) -> AsyncGenerator[Batch, None]:
        overlap_s = OVERLAP_S
        while True:
            async with aclosing(self._look(api, history, marks, overlap_s)) as look:
                async for batch in look:
                    yield batch
            overlap_s = 0
            await asyncio.sleep(self._every_s)

    async def _look(
        self, api: Api, history: History, marks: Marks, overlap_s: int
    ) -> AsyncGenerator[Batch, None]:
        """Every channel once. One that cannot be read is told, and stops no other; raises where none can."""
        before = dict(self._unwell)
        hidden = await self._see_to_it_that_all_are_public(api)
        for channel in self._config.channels:
            if channel in hidden:
                continue
            try:
                seen = await history.look(channel, marks.get(channel, ""), overlap_s)
            except OneChannelError as e:
                self._unwell[channel] = e.error
                continue
            self._unwell.pop(channel, None)
            marks[channel] = seen.mark
            yield Batch(items=seen.items, refused=seen.refused, gaps=seen.gaps, cursor=self._cursor(marks))
        if len(self._unwell) == len(self._config.channels):
            raise next(iter(self._unwell.values()))
        if troubles := self._troubles(before):
            yield Batch(troubles=troubles)

    def _troubles(self, before: Mapping[str, WarnError]) -> tuple[Trouble, ...]:
        """What has changed since the look before."""
        ill = {one: _said(error, one) for one, error in self._unwell.items()}
        told = {one: _said(error, one) for one, error in before.items()}
        well = [Trouble(one, "") for one in told if one not in ill]
        return (*well, *(Trouble(one, what) for one, what in ill.items() if told.get(one) != what))

    async def _see_to_it_that_all_are_public(self, api: Api) -> frozenset[str]:
        """Raises PermanentError for one that is not; returns those that are not shown to us at all, to be left alone."""
        now = asyncio.get_running_loop().time()
        if self._checked is not None and now - self._checked < PRIVATE_S:
            return self._hidden
        hidden: set[str] = set()
        for channel in self._config.channels:
            try:
                told = (await api.call("conversations.info", {"channel": channel})).get("channel")
            except OneChannelError as e:
                hidden.add(channel)
                self._unwell[channel] = e.error
                continue
            if not isinstance(told, dict):
                raise TemporaryError(f"{PLACE}: it does not say what {channel} is", reason=Reason.MALFORMED)
            if told.get("is_private") or told.get("is_im") or told.get("is_mpim"):
                raise _closed(channel)
        self._checked, self._hidden = now, frozenset(hidden)
        return self._hidden

    async def _stream(
        self, out: Outbound, api: Api, history: History, marks: Marks, app_token: SecretStr
    ) -> AsyncGenerator[Batch, None]:
        """Socket after socket, as Slack moves us from server to server; the history fills in what falls between two."""
        loop = asyncio.get_running_loop()
        while True:
            url = await api.socket(app_token.get_secret_value())
            began = loop.time()
            async with (
                out.frames(url, silence_s=SILENT_S) as socket,
                aclosing(self._listen(api, history, socket, marks)) as heard,
            ):
                async for batch in heard:
                    yield batch
            if loop.time() - began < SHORT_S:
                raise TemporaryError(f"{PLACE}: it ends every socket at once", reason=Reason.NETWORK)

    async def _listen(
        self, api: Api, history: History, socket: Frames, marks: Marks
    ) -> AsyncGenerator[Batch, None]:
        """One socket, until Slack says that it is over. What it sent is acknowledged once it is on the bus."""
        loop = asyncio.get_running_loop()
        looked = -SAFETY_S
        while True:
            left_s = looked + SAFETY_S - loop.time() if looked >= 0 else 0.0
            # First the history, where that is due: what the socket says moves the mark past what was missed.
            frame = await _within(socket, left_s) if left_s > 0 else None
            if frame is None:
                looked = loop.time()
                async with aclosing(self._look(api, history, marks, OVERLAP_S)) as look:
                    async for batch in look:
                        yield batch
                continue
            if frame.get("type") == "disconnect":
                if frame.get("reason") == "link_disabled":
                    raise PermanentError(
                        f"{PLACE}: Socket Mode is switched off for this app; switch it on at api.slack.com/apps, or take "
                        "`app_token` out",
                        reason=Reason.CONFIG,
                    )
                return
            payload = frame.get("payload")
            if frame.get("type") == "events_api" and isinstance(payload, dict):
                batch, missed = self._event(payload, history, marks)
                yield batch
                looked = -SAFETY_S if missed else looked
            if isinstance(frame.get("envelope_id"), str):
                await socket.send(msgspec.json.encode({"envelope_id": frame["envelope_id"]}).decode())

    def _event(self, payload: Mapping[str, Any], history: History, marks: Marks) -> tuple[Batch, bool]:
        """What an event says, and whether the history has to be looked at."""
        event = payload.get("event")
        event = event if isinstance(event, dict) else {}
        channel = str(event.get("channel"))
        if event.get("channel_type") == "group" and channel in self._config.channels:
            raise _closed(channel)
        found = read_event(
            payload, source=self.source, channels=self._config.channels, bots=self._config.bots
        )
        if isinstance(found, Left):
            refused = (Refused("slack event", found.why, b""),) if found.odd else ()
            return Batch(refused=refused), event.get("type") == "app_rate_limited"
        ts = found.id.partition(":")[2]
        if found.kind == "message":
            marks[channel] = max(marks.get(channel, ""), ts, key=at)
        if found.kind == "delete":
            history.forget(channel, ts)
        return Batch(items=(found,), cursor=self._cursor(marks)), False

    def _cursor(self, marks: Marks) -> Cursor:
        return Cursor(
            msgspec.json.encode({one: marks[one] for one in self._config.channels if marks.get(one)}).decode()
        )


def _said(error: WarnError, channel: str) -> str:
    """What is wrong, without the place, which is told beside it."""
    return str(error).removeprefix(f"{PLACE}: channel {channel}").lstrip(": ")


def _closed(channel: str) -> PermanentError:
    return PermanentError(
        f"{PLACE}: {channel} is a private channel or a direct message, which warn does not read; take it out of `channels`",
        reason=Reason.REFUSED,
    )


async def _within(socket: Frames, seconds: float) -> dict[str, Any] | None:
    """The next frame; None when none came in time. Raises TemporaryError for what is none of Slack's."""
    try:
        async with asyncio.timeout(seconds):
            text = await socket.receive()
    except TimeoutError:
        return None
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise TemporaryError(
            f"{PLACE}: what the socket says cannot be read", reason=Reason.MALFORMED
        ) from None


def _marks(cursor: Cursor | None) -> Marks:
    try:
        marks = msgspec.json.decode(cursor, type=Marks) if cursor else {}
    except msgspec.MsgspecError:
        raise PermanentError("slack: a cursor that is none of its own", reason=Reason.MALFORMED) from None
    if not all(ms(mark) for mark in marks.values()):
        raise PermanentError("slack: a cursor that is none of its own", reason=Reason.MALFORMED)
    return marks


KIND = Kind(SlackConfig, SlackConnector)
