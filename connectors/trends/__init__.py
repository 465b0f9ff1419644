"""Trend lists that anybody may read: that our topic enters one is a mention of kind `trend`.

An entry counts when it enters a list, and again only when it had left for a day. What stands there when a list is read
for the first time, or after a pause, entered at nobody knows what time: it is backfill.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated, Final, Literal, NamedTuple, Self

import msgspec
from msgspec import Struct
from pydantic import BeforeValidator, Field, HttpUrl, StringConstraints, model_validator

from connectors.trends.lists import PLACE, Entry, Page, TrendList, bluesky, google, mastodon
from warn.ingest.aside import Aside
from warn.ingest.backoff import PARKED_S
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor, Trouble
from warn.ingest.kind import Kind
from warn.ingest.outbound import Outbound
from warn.ingest.rest import Rest, soonest
from warn.model.errors import PermanentError, Reason, WarnError
from warn.model.mention import Item

DAY_S: Final = 86_400
PAUSE_S: Final = 600
"""A list that was not read for so long is filled in."""
MOST_SEEN: Final = 1_000
"""Entries of one list that are remembered."""


def _with_scheme(said: object) -> object:
    return f"https://{said}" if isinstance(said, str) and "://" not in said else said


Place = Annotated[HttpUrl, BeforeValidator(_with_scheme)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class TrendsConfig(ConnectorConfig):
    """`mastodon`: servers whose lists are read, `lists` of `tags`, `statuses` and `links`. `bluesky`: where its topics are;
    null for none. `google`: countries (`NL`) of which what is searched for is read. `every`: seconds between looks.
    """

    type: Literal["trends"] = "trends"
    mastodon: tuple[Place, ...] = Field(default=(HttpUrl("https://mastodon.social"),), max_length=20)
    lists: tuple[Literal["tags", "statuses", "links"], ...] = ("tags", "statuses", "links")
    bluesky: Place | None = HttpUrl("https://public.api.bsky.app")
    google: tuple[Country, ...] = Field(default=(), max_length=20)
    google_url: HttpUrl = HttpUrl("https://trends.google.com")
    every: Annotated[float, Field(ge=60, le=3_600)] = 300.0

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not trend_lists(self):
            raise ValueError("no list is left: set `mastodon` and `lists`, `bluesky` or `google`")
        return self


def trend_lists(config: TrendsConfig) -> list[TrendList]:
    """All that are to be read, each once."""
    found = [
        one
        for server in config.mastodon
        for one in mastodon(str(server).rstrip("/"), dict.fromkeys(config.lists))
    ]
    if config.bluesky is not None:
        found.append(bluesky(str(config.bluesky).rstrip("/")))
    found += [google(str(config.google_url).rstrip("/"), country) for country in config.google]
    return list({one.name: one for one in found}.values())


class Standing(Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of a list: when it was read, and when each entry (by hash) was last seen on it; seconds."""

    read: int
    seen: dict[str, int]


class Looked(NamedTuple):
    """What one list gave."""

    list: TrendList
    page: Page = Page(())
    error: WarnError | None = None


class TrendsConnector:
    """The cursor is JSON: of each list when it was read, and what stood on it within a day before. `every_s`: seconds
    between looks.
    """

    def __init__(
        self, config: TrendsConfig, *, every_s: float | None = None, wall: Callable[[], float] = time.time
    ) -> None:
        self._config = config
        self._every_s = config.every if every_s is None else every_s
        self._wall = wall
        self._lists = trend_lists(config)
        self._rests = {one.name: Rest() for one in self._lists}
        self._ill: dict[str, str] = {}
        self._aside = Aside()

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def source(self) -> str:
        return self._config.origin

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """Raises only where no list can be read; one that fails is a trouble, and is tried again at the next look."""
        standing = _read_cursor(cursor)
        names = {one.name for one in self._lists}
        standing = {name: one for name, one in standing.items() if name in names}
        async with Outbound(PLACE, inside=self._config.inside) as out:
            while True:
                now = int(self._wall())
                resting = {
                    one.name: why
                    for one in self._lists
                    if (why := self._rests[one.name].why(now)) is not None
                }
                looked = await self._look(out, [one for one in self._lists if one.name not in resting])
                failed = [self._failed(one, now) for one in looked if one.error is not None]
                if len(resting) + len(failed) == len(self._lists):
                    raise soonest([*resting.values(), *failed])
                for one in looked:
                    yield self._batch(one, standing, now)
                await asyncio.sleep(self._every_s)

    async def _look(self, out: Outbound, lists: Sequence[TrendList]) -> list[Looked]:
        """All of them side by side."""

        async def read(one: TrendList) -> Looked:
            try:
                return Looked(one, await one.read(out))
            except WarnError as e:
                return Looked(one, error=e)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(read(one)) for one in lists]
        return [task.result() for task in tasks]

    def _failed(self, looked: Looked, now: int) -> WarnError:
        """What a list failed for, which is left alone for as long as it asks, or as a person needs to mend it."""
        assert looked.error is not None
        rest = self._rests[looked.list.name]
        if isinstance(looked.error, PermanentError):
            rest.hold(looked.error, PARKED_S, now)
        rest.told(looked.error, now)
        return looked.error

    def _batch(self, looked: Looked, standing: dict[str, Standing], now: int) -> Batch:
        """What is new on a list; `standing` is brought up to it."""
        name = looked.list.name
        troubles = tuple(self._troubles(looked))
        if looked.error is not None:
            return Batch(troubles=troubles)
        before = standing.get(name, Standing(0, {}))
        seen = {key: at for key, at in before.seen.items() if now - at < DAY_S}
        items: list[Item] = []
        for entry in looked.page.entries:
            key = blake2b(entry.key.encode(errors="replace"), digest_size=8).hexdigest()
            if key not in seen:
                items.append(self._item(name, entry, now))
            seen.pop(key, None)
            seen[key] = now
        standing[name] = Standing(now, dict(list(seen.items())[-MOST_SEEN:]))
        return Batch(
            tuple(items),
            Cursor(msgspec.json.encode(dict(sorted(standing.items()))).decode()),
            refused=tuple(self._aside.new(looked.page.refused)),
            backfill=now - before.read > max(PAUSE_S, 3 * self._every_s),
            troubles=troubles,
        )

    def _item(self, name: str, entry: Entry, now: int) -> Item:
        return Item(
            source=self.source,
            id=f"{name}:{entry.key}:{_day(now)}",
            created_ms=now * 1000,
            kind="trend",
            dated_by="seen",
            author=entry.author,
            text=entry.text,
            url=entry.url or None,
        )

    def _troubles(self, looked: Looked) -> Iterable[Trouble]:
        where = f"{PLACE}: {looked.list.name}"
        said = "" if looked.error is None else str(looked.error)
        if self._ill.get(where, "") != said:
            self._ill[where] = said
            yield Trouble(where, said)


def _day(now: int) -> str:
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def _read_cursor(cursor: Cursor | None) -> dict[str, Standing]:
    if cursor is None:
        return {}
    try:
        return msgspec.json.decode(cursor, type=dict[str, Standing])
    except msgspec.MsgspecError:
        raise PermanentError(f"{PLACE}: a cursor that is none of its own", reason=Reason.MALFORMED) from None


KIND = Kind(TrendsConfig, TrendsConnector)
