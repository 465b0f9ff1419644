"""Slack: public channels that the settings name, and no other; by looking again, and at once by Socket Mode.

Each look reads the last day of a channel once more, newest first, and the threads that have new replies. That is how
edits are found, and messages that are no longer there. What was read before is skipped by the supervisor.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from pydantic import Field, HttpUrl, SecretStr, StringConstraints

from connectors.slack.api import PLACE, REMEDIES, Api
from connectors.slack.events import Left, edit_of, ms, read_event, read_message
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor, Gap, Refused
from warn.ingest.kind import Kind
from warn.ingest.outbound import Outbound
from warn.ingest.outbound.stream import Frames
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.model.mention import Item

__all__ = ["KIND", "SlackConfig", "SlackConnector", "read_event"]

LOOK_BACK_S: Final = 86_400
PAGE: Final = 200
MOST_PAGES: Final = 20
"""Pages of one channel or thread in one look; what lies behind them is a gap."""
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
        self._known: dict[str, set[str]] = {}
        self._checked: float | None = None

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def source(self) -> str:
        return self._config.origin

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """Raises PermanentError (refused) for a channel that is private or a direct message."""
        marks = _marks(cursor)
        self._known, self._checked = {}, None
        async with Outbound(PLACE, inside=self._config.inside, remedies=REMEDIES) as out:
            api = Api(out, str(self._config.url), self._config.token.get_secret_value())
            if self._config.app_token is not None:
                async for batch in self._stream(out, api, marks, self._config.app_token):
                    yield batch
                return
            overlap_s = OVERLAP_S
            while True:
                async for batch in self._look(api, marks, overlap_s):
                    yield batch
                overlap_s = 0
                await asyncio.sleep(self._every_s)

    async def _look(
        self, api: Api, marks: dict[str, str], overlap_s: int
    ) -> AsyncGenerator[Batch, None]:
        """Every channel once."""
        await self._see_to_it_that_all_are_public(api)
        for channel in self._config.channels:
            mark = marks.get(channel, "")
            messages, gap = await self._history(api, channel, mark)
            since = f"{int(mark.partition('.')[0]) - overlap_s}.000000" if mark else "0"
            newest = [m["ts"] for m in messages] + [m["latest_reply"] for m in messages if _replied(m)]
            for message in list(messages):
                if _replied(message) and ms(message["latest_reply"]) > (ms(since) or 0):  # type: ignore[operator]
                    messages += await self._replies(api, channel, message["ts"], since)
            items, refused = self._read(channel, messages)
            marks[channel] = max([mark, *newest], key=lambda ts: ms(ts) or 0)
            yield Batch(
                items=tuple(items), refused=tuple(refused), gaps=gap, cursor=_cursor(marks, self._config.channels)
            )

    async def _see_to_it_that_all_are_public(self, api: Api) -> None:
        now = asyncio.get_running_loop().time()
        if self._checked is not None and now - self._checked < PRIVATE_S:
            return
        for channel in self._config.channels:
            told = (await api.call("conversations.info", {"channel": channel})).get("channel")
            if not isinstance(told, dict):
                raise TemporaryError(f"{PLACE}: it does not say what {channel} is", reason=Reason.MALFORMED)
            if told.get("is_private") or told.get("is_im") or told.get("is_mpim"):
                raise _closed(channel)
        self._checked = now

    async def _history(
        self, api: Api, channel: str, mark: str
    ) -> tuple[list[dict[str, Any]], tuple[Gap, ...]]:
        """The last day before `mark` and all after it, oldest first; at the first start the newest page."""
        after = int(mark.partition(".")[0]) if mark else 0
        params = {"channel": channel, "limit": str(PAGE)}
        if mark:
            params["oldest"] = f"{after - LOOK_BACK_S}.000000"
        found: list[dict[str, Any]] = []
        reached = True
        for _ in range(MOST_PAGES):
            page, onward = _page(await api.call("conversations.history", params))
            found += page
            reached = not onward or not mark or (bool(page) and (ms(page[-1]["ts"]) or 0) <= (ms(mark) or 0))
            if reached:
                break
            params["cursor"] = onward
        found.reverse()
        if reached or not found:
            return found, ()
        return found, (Gap(after, int(found[0]["ts"].partition(".")[0])),)

    async def _replies(self, api: Api, channel: str, root: str, since: str) -> list[dict[str, Any]]:
        params = {"channel": channel, "ts": root, "oldest": since, "limit": str(PAGE)}
        found: list[dict[str, Any]] = []
        for _ in range(MOST_PAGES):
            page, onward = _page(await api.call("conversations.replies", params))
            found += [one for one in page if one["ts"] != root]
            if not onward:
                break
            params["cursor"] = onward
        return found

    def _read(self, channel: str, messages: list[dict[str, Any]]) -> tuple[list[Item], list[Refused]]:
        """Items of what is there, edits of them, and deletes of what was there in the same time and is not any more."""
        items: list[Item] = []
        refused: list[Refused] = []
        for message in messages:
            found = read_message(message, source=self.source, channel=channel, bots=self._config.bots)
            if isinstance(found, Left):
                if found.odd:
                    refused.append(Refused(f"slack channel {channel}", found.why, b""))
                continue
            items.append(found)
            edit = edit_of(message, source=self.source, channel=channel)
            if edit is not None:
                items.append(edit)
        tops = {m["ts"] for m in messages if not m.get("thread_ts") or m["thread_ts"] == m["ts"]}
        oldest = min(tops, default="")
        gone = {ts for ts in self._known.get(channel, set()) if oldest and ts >= oldest} - tops
        now_ms = int(time.time() * 1000)
        items += [
            Item(source=self.source, id=f"{channel}:{ts}", created_ms=now_ms, kind="delete") for ts in sorted(gone)
        ]
        self._known[channel] = tops
        return items, refused

    async def _stream(
        self, out: Outbound, api: Api, marks: dict[str, str], app_token: SecretStr
    ) -> AsyncGenerator[Batch, None]:
        """Socket after socket, as Slack moves us from server to server; the history fills in what falls between two."""
        loop = asyncio.get_running_loop()
        while True:
            url = await api.socket(app_token.get_secret_value())
            began = loop.time()
            async with out.frames(url, silence_s=SILENT_S) as socket:
                async for batch in self._listen(api, socket, marks):
                    yield batch
            if loop.time() - began < SHORT_S:
                raise TemporaryError(f"{PLACE}: it ends every socket at once", reason=Reason.NETWORK)

    async def _listen(
        self, api: Api, socket: Frames, marks: dict[str, str]
    ) -> AsyncGenerator[Batch, None]:
        """One socket, until Slack says that it is over. What it sent is acknowledged once it is on the bus."""
        loop = asyncio.get_running_loop()
        looked = -SAFETY_S
        while True:
            left_s = looked + SAFETY_S - loop.time() if looked >= 0 else 0.0
            frame = await _within(socket, left_s)
            if frame is None:
                looked = loop.time()
                async for batch in self._look(api, marks, OVERLAP_S):
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
                batch, look = self._event(payload, marks)
                yield batch
                looked = -SAFETY_S if look else looked
            if isinstance(frame.get("envelope_id"), str):
                await socket.send(msgspec.json.encode({"envelope_id": frame["envelope_id"]}).decode())

    def _event(self, payload: Mapping[str, Any], marks: dict[str, str]) -> tuple[Batch, bool]:
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
            marks[channel] = max(marks.get(channel, ""), ts, key=lambda one: ms(one) or 0)
        if found.kind == "delete":
            self._known.get(channel, set()).discard(ts)
        return Batch(items=(found,), cursor=_cursor(marks, self._config.channels)), False


def _closed(channel: str) -> PermanentError:
    return PermanentError(
        f"{PLACE}: {channel} is a private channel or a direct message, which warn does not read; take it out of `channels`",
        reason=Reason.REFUSED,
    )


async def _within(socket: Frames, seconds: float) -> dict[str, Any] | None:
    """The next frame; None when none came in time. Raises TemporaryError for what is none of Slack's."""
    try:
        async with asyncio.timeout(max(seconds, 0.0)):
            text = await socket.receive()
    except TimeoutError:
        return None
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise TemporaryError(f"{PLACE}: what the socket says cannot be read", reason=Reason.MALFORMED) from None


def _page(said: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """Messages of a page, and the cursor of the next; what has no time of its own is not one."""
    messages = said.get("messages")
    if not isinstance(messages, list):
        raise TemporaryError(f"{PLACE}: it gives no messages", reason=Reason.MALFORMED)
    good = [m for m in messages if isinstance(m, dict) and isinstance(m.get("ts"), str) and ms(m["ts"])]
    onward = said.get("response_metadata")
    cursor = onward.get("next_cursor") if isinstance(onward, dict) and said.get("has_more") else ""
    return good, cursor if isinstance(cursor, str) else ""


def _replied(message: Mapping[str, Any]) -> bool:
    return isinstance(message.get("latest_reply"), str) and ms(message["latest_reply"]) is not None


def _marks(cursor: Cursor | None) -> dict[str, str]:
    try:
        marks = msgspec.json.decode(cursor, type=dict[str, str]) if cursor else {}
    except msgspec.MsgspecError:
        raise PermanentError("slack: a cursor that is none of its own", reason=Reason.MALFORMED) from None
    if not all(ms(mark) for mark in marks.values()):
        raise PermanentError("slack: a cursor that is none of its own", reason=Reason.MALFORMED)
    return marks


def _cursor(marks: Mapping[str, str], channels: tuple[str, ...]) -> Cursor:
    return Cursor(msgspec.json.encode({one: marks[one] for one in channels if marks.get(one)}).decode())


KIND = Kind(SlackConfig, SlackConnector)
