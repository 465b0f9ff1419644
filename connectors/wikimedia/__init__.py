"""Edits of our articles on Wikipedia and its sisters, from Wikimedia's stream of recent changes.

The stream holds the changes of all wikis; what is not about us is dropped here. It is cut off every quarter of an hour:
then it is opened again where it ended, and nothing is said of it.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack
from typing import Annotated, Any, Final, Literal, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, StringConstraints, model_validator

from connectors.wikimedia.changes import (
    UnreadableError,
    Wanted,
    folded,
    item_of,
    read_change,
    terms_of,
    title_of,
)
from warn.ingest.burst import burst
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor, Gap, Refused
from warn.ingest.kind import Kind
from warn.ingest.outbound import Events, Outbound
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.model.mention import Item

PLACE: Final = "wikimedia"
HEALTHY_S: Final = 60.0
"""A stream that ends after so long has ended as they all do; one that ends sooner is a failure."""
TELL_S: Final = 5.0
"""Between two cursors where nothing is about us."""
TOLERANCE_MS: Final = 120_000
"""A change so much later than the last one is not the next one: somewhere somebody edits every second."""
SILENCE_S: Final = 30.0
"""Somewhere somebody edits every second."""
PAYLOAD: Final = 4_096
MOST_CURSOR: Final = 16_384

Wiki = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[a-z][a-z0-9_]{1,63}$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=255)]


class Article(BaseModel):
    """`wiki`: as Wikimedia calls it (`nlwiki`, `enwiki`, `wikidatawiki`); `title`: as it stands above the article."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wiki: Wiki
    title: Words


class WikimediaConfig(ConnectorConfig):
    """`articles`: whose edits, and those of their talk pages, are told. `terms`: so are those of all articles with one of
    these in their title, as whole words; on `wikis`, or where there are none on every Wikipedia. `bots`: what is marked
    as done by a bot, too. `url`: of the stream.
    """

    type: Literal["wikimedia"] = "wikimedia"
    articles: tuple[Article, ...] = Field(default=(), max_length=1_000)
    terms: tuple[Words, ...] = Field(default=(), max_length=200)
    wikis: tuple[Wiki, ...] = ()
    bots: bool = False
    url: HttpUrl = HttpUrl("https://stream.wikimedia.org/v2/stream/recentchange")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.articles and not any(folded(term).strip() for term in self.terms):
            raise ValueError("set `articles` or `terms`: what is to be looked for")
        return self


class WikimediaConnector:
    """The cursor is the stream's own: the `id` of its last event, whole. `silence_s`: so long without a byte is an error."""

    def __init__(
        self,
        config: WikimediaConfig,
        *,
        silence_s: float = SILENCE_S,
        healthy_s: float = HEALTHY_S,
        tell_s: float = TELL_S,
    ) -> None:
        self._config = config
        self._silence_s, self._healthy_s, self._tell_s = silence_s, healthy_s, tell_s
        self._wanted = Wanted(
            frozenset((one.wiki, title_of(one.title)) for one in config.articles),
            terms_of(config.terms),
            frozenset(config.wikis),
            config.bots,
        )

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def source(self) -> str:
        return self._config.origin

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """Raises what ends a stream that did not last, or cannot be opened again."""
        reading = _Reading(self.source, self._wanted, cursor)
        loop = asyncio.get_running_loop()
        told = loop.time()
        async with Outbound(PLACE, inside=self._config.inside) as out:
            while True:
                opened = loop.time()
                try:
                    async with AsyncExitStack() as stack:
                        events = await self._connect(stack, out, reading)
                        while True:
                            batch = reading.take(await burst(events.receive))
                            if batch._replace(cursor=None) != Batch() or loop.time() - told >= self._tell_s:
                                told = loop.time()
                                yield batch
                except TemporaryError as e:
                    if e.reason is not Reason.NETWORK or loop.time() - opened < self._healthy_s:
                        raise

    async def _connect(self, stack: AsyncExitStack, out: Outbound, reading: "_Reading") -> Events:
        """From the cursor; where that is refused, from now on."""
        url = str(self._config.url)
        events: Events | None = None
        if reading.at:
            headers = {"last-event-id": reading.at}
            try:
                events = await stack.enter_async_context(
                    out.events(url, headers=headers, silence_s=self._silence_s)
                )
            except PermanentError as e:
                if e.reason is not Reason.CLIENT:
                    raise
        if events is None:
            events = await stack.enter_async_context(out.events(url, silence_s=self._silence_s))
            reading.opened(resumed=False)
        else:
            reading.opened(resumed=True)
        return events


class _Reading:
    """Where we are in the stream."""

    def __init__(self, source: str, wanted: Wanted, cursor: Cursor | None) -> None:
        self._source, self._wanted = source, wanted
        self.at = "" if cursor is None else str(cursor)
        self._since_ms = _time_of(self.at)
        self._begun, self._tolerance_ms = True, TOLERANCE_MS

    def opened(self, *, resumed: bool) -> None:
        """The stream was opened: what comes first shows whether it goes on where it ended, as it can only if `resumed`."""
        self._begun, self._tolerance_ms = False, TOLERANCE_MS if resumed else 0

    def take(self, events: Sequence[Any]) -> Batch:
        """What these events say. Raises TemporaryError where one says that it is the last."""
        items: list[Item] = []
        refused: list[Refused] = []
        gaps: list[Gap] = []
        for event in events:
            if event.event == "error":
                raise TemporaryError(
                    f"{PLACE}: the server ended the stream with an error of its own", reason=Reason.SERVER
                )
            try:
                item = self._item(event.data, gaps)
            except UnreadableError as e:
                raw = event.data.encode(errors="replace")[:PAYLOAD]
                refused.append(Refused(f"{PLACE}, behind {self._since_ms or 0}", str(e), raw))
            else:
                if item is not None:
                    items.append(item)
            if event.id and _is_cursor(event.id):
                self.at = event.id
                self._since_ms = max(self._since_ms, _time_of(event.id))
        return Batch(
            tuple(items), Cursor(self.at) if self.at else None, refused=tuple(refused), gaps=tuple(gaps)
        )

    def _item(self, data: str, gaps: list[Gap]) -> Item | None:
        change = read_change(data)
        if change.is_canary:
            return None
        if not self._begun and (at_ms := change.at_ms) is not None:
            self._begun = True
            if self._since_ms and at_ms > self._since_ms + self._tolerance_ms:
                gaps.append(Gap(self._since_ms // 1000, at_ms // 1000))
        return item_of(self._source, change, self._wanted)


def _entries(cursor: str) -> list[dict[str, Any]]:
    """Raises msgspec's errors."""
    return msgspec.json.decode(cursor, type=list[dict[str, Any]])


def _is_cursor(said: str) -> bool:
    """Whether it can be sent back."""
    try:
        return len(said) <= MOST_CURSOR and said.isascii() and said.isprintable() and bool(_entries(said))
    except msgspec.MsgspecError:
        return False


def _time_of(cursor: str) -> int:
    """The newest time in a cursor, in milliseconds; 0 where it has none. Raises PermanentError."""
    if not cursor:
        return 0
    if not _is_cursor(cursor):
        raise PermanentError(f"{PLACE}: a cursor that is none of its own", reason=Reason.MALFORMED)
    times = [one.get("timestamp") for one in _entries(cursor)]
    return max((time for time in times if isinstance(time, int) and time > 0), default=0)


KIND = Kind(WikimediaConfig, WikimediaConnector)
