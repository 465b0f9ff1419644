"""One look at a channel: its last day, the threads with new replies, and what is not there any more."""

import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from connectors.slack.api import PLACE, Api
from connectors.slack.events import Left, at, edit_of, ms, read_message
from warn.ingest.connector import Gap, Refused
from warn.model.errors import Reason, TemporaryError
from warn.model.mention import Item

LOOK_BACK_S: Final = 86_400
PAGE: Final = 200
MOST_PAGES: Final = 20
"""Pages of one channel or thread in one look; what lies behind them is a gap."""

Message = dict[str, Any]


class Seen(NamedTuple):
    """What a look has found. `mark`: the newest time up to which everything is in it."""

    items: tuple[Item, ...]
    refused: tuple[Refused, ...]
    gaps: tuple[Gap, ...]
    mark: str


class _Span(NamedTuple):
    """Messages in order of time; `covers`: from when on they are all there are."""

    messages: list[Message]
    covers: str
    broken: int
    gaps: tuple[Gap, ...] = ()


class History:
    """Channels by their history. It remembers which messages there were, to tell when one is taken away."""

    def __init__(self, api: Api, source: str, *, bots: bool) -> None:
        self._api, self._source, self._bots = api, source, bots
        self._known: dict[str, set[str]] = {}
        self._broken: dict[str, int] = {}

    def forget(self, channel: str, ts: str) -> None:
        """This message is known to be gone."""
        self._known.get(channel, set()).discard(ts)

    async def look(self, channel: str, mark: str, overlap_s: int) -> Seen:
        """All that is new behind `mark` ("": the newest page), replies from `overlap_s` before it."""
        span = await self._channel(channel, mark)
        since = f"{max(0, _seconds(mark) - overlap_s)}.000000" if mark else "0"
        newest = mark
        messages = list(span.messages)
        for message in span.messages:
            latest = message["ts"]
            if _replied(message):
                latest = message["latest_reply"]
                if at(latest) > at(since):
                    messages += await self._replies(channel, message["ts"], since)
            newest = max(newest, message["ts"], latest, key=at)
        items, broken = self._read(channel, messages)
        items += self._gone(channel, span)
        return Seen(tuple(items), self._refused(channel, span.broken + broken), span.gaps, newest)

    async def _channel(self, channel: str, mark: str) -> _Span:
        """The last day before `mark` and all after it."""
        params = {"channel": channel, "limit": str(PAGE)}
        covers = f"{max(0, _seconds(mark) - LOOK_BACK_S)}.000000" if mark else "0"
        if mark:
            params["oldest"] = covers
        found: list[Message] = []
        broken = 0
        for _ in range(MOST_PAGES):
            page, onward, odd = _page(await self._api.call("conversations.history", params))
            found = page[::-1] + found  # they come newest first
            broken += odd
            if not onward or not page:
                return _Span(found, covers, broken)
            if not mark or at(page[-1]["ts"]) <= at(mark):
                return _Span(found, found[0]["ts"], broken)
            params["cursor"] = onward
        return _Span(found, found[0]["ts"], broken, (Gap(_seconds(mark), _seconds(found[0]["ts"])),))

    async def _replies(self, channel: str, root: str, since: str) -> list[Message]:
        params = {"channel": channel, "ts": root, "oldest": since, "limit": str(PAGE)}
        found: list[Message] = []
        for _ in range(MOST_PAGES):
            page, onward, _ = _page(await self._api.call("conversations.replies", params))
            found += [one for one in page if one["ts"] != root]
            if not onward:
                break
            params["cursor"] = onward
        return found

    def _refused(self, channel: str, broken: int) -> tuple[Refused, ...]:
        """What could not be read and was not yet told: the same pages come again and again."""
        new = broken - self._broken.get(channel, 0)
        self._broken[channel] = broken
        return (Refused(f"slack channel {channel}", "a message without a time (ts)", b""),) * max(0, new)

    def _read(self, channel: str, messages: list[Message]) -> tuple[list[Item], int]:
        """Items, and how many messages were none."""
        items: list[Item] = []
        broken = 0
        for message in messages:
            found = read_message(message, source=self._source, channel=channel, bots=self._bots)
            if isinstance(found, Left):
                broken += found.odd
                continue
            items.append(found)
            edit = edit_of(message, source=self._source, channel=channel)
            if edit is not None:
                items.append(edit)
        return items, broken

    def _gone(self, channel: str, span: _Span) -> list[Item]:
        """Deletes of what was there, in the time that the look covers, and is not any more."""
        there = {message["ts"] for message in span.messages}
        gone = {ts for ts in self._known.get(channel, ()) if at(ts) >= at(span.covers)} - there
        self._known[channel] = there
        now_ms = int(time.time() * 1000)
        return [
            Item(source=self._source, id=f"{channel}:{ts}", created_ms=now_ms, kind="delete")
            for ts in sorted(gone)
        ]


def _page(said: Mapping[str, Any]) -> tuple[list[Message], str, int]:
    """Messages of a page, the cursor of the next, and how many have no time of their own and so are none."""
    messages = said.get("messages")
    if not isinstance(messages, list):
        raise TemporaryError(f"{PLACE}: it gives no messages", reason=Reason.MALFORMED)
    good = [m for m in messages if isinstance(m, dict) and isinstance(m.get("ts"), str) and ms(m["ts"])]
    onward = said.get("response_metadata")
    cursor = onward.get("next_cursor") if isinstance(onward, dict) and said.get("has_more") else ""
    return good, cursor if isinstance(cursor, str) else "", len(messages) - len(good)


def _replied(message: Message) -> bool:
    return isinstance(message.get("latest_reply"), str) and ms(message["latest_reply"]) is not None


def _seconds(ts: str) -> int:
    return (ms(ts) or 0) // 1000
