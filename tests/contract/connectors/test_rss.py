"""The RSS connector against servers of feeds on local ports."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import aclosing
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.rss import RssConfig, RssConnector
from tests.contract.connectors.faults import check_faults, inside
from tests.contract.connectors.service import serve
from tests.shared import SHARED, needs_shared
from warn.ingest.connector import Batch, Connector, Cursor
from warn.ingest.entry import check
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.model.mention import Item
from warn.testing.check_connector import Made, Until, check_connector

NOW = 1_764_000_000
OLD = NOW - 86_400
Headers = Mapping[str, str]


def rss(*entries: tuple[str, int | None] | tuple[str, int | None, str], head: str = "") -> bytes:
    """A feed of (id, second, words)."""
    items = []
    for entry in entries:
        name, at, words = (*entry, f"Acme kettles burn {entry[0]}")[:3]
        dated = f"<pubDate>{formatdate(at, usegmt=True)}</pubDate>" if at is not None else ""
        items.append(
            f"<item><guid>{name}</guid><link>/{name}?utm_source=rss&amp;a=1#top</link><title>{words}</title>"
            f"<description>&lt;p&gt;More of {name}&lt;/p&gt;</description>{dated}</item>"
        )
    return f"<rss version='2.0'><channel><title>Desk</title>{head}{''.join(items)}</channel></rss>".encode()


class Desk:
    """One server with any number of feeds, each a function of how often it was asked."""

    def __init__(self) -> None:
        self.feeds: dict[str, Callable[[int, Request], Response]] = {}
        self.asked: list[tuple[str, Headers]] = []
        self.app = Starlette(routes=[Route("/{name:path}", self.answer)])
        self.base = ""
        self.now = float(NOW)

    async def answer(self, request: Request) -> Response:
        name = request.path_params["name"]
        before = sum(asked == name for asked, _ in self.asked)
        self.asked.append((name, dict(request.headers)))
        return self.feeds[name](before, request)

    def gives(self, name: str, *bodies: bytes, **headers: str) -> None:
        """These bodies one after the other, the last one for ever."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        self.feeds[name] = lambda i, _: Response(
            bodies[min(i, len(bodies) - 1)], media_type="application/rss+xml", headers=named
        )

    def config(self, *names: str, **of: Any) -> RssConfig:
        feeds = [f"{self.base}/{name}" for name in names]
        return RssConfig.model_validate(
            {"name": "press", "feeds": feeds, "inside": (inside(self.base),), **of}
        )

    def connector(self, *names: str, **of: Any) -> RssConnector:
        return RssConnector(self.config(*names, **of), every_s=0.01, wall=lambda: self.now)

    def heard(self, name: str) -> list[Headers]:
        return [headers for asked, headers in self.asked if asked == name]

    async def read(
        self, connector: Connector, until: Callable[[list[Batch]], bool], cursor: Cursor | None = None
    ) -> list[Batch]:
        """Batches, while its clock goes on with ours."""
        found: list[Batch] = []
        wrong: WarnError | None = None
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            clock = group.create_task(self._tick())
            try:
                async with aclosing(connector.batches(cursor)) as batches:
                    async for batch in batches:
                        found.append(batch)
                        if until(found):
                            break
            except WarnError as e:
                wrong = e
            clock.cancel()
        if wrong is not None:
            raise wrong
        return found

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.005)
            self.now += 0.005


@pytest.fixture
async def desk() -> Any:
    one = Desk()
    async with serve(one.app) as address:
        one.base = address.url
        yield one


def items(found: list[Batch]) -> list[Item]:
    return [item for batch in found for item in batch.items]


def rounds(number: int) -> Callable[[list[Batch]], bool]:
    return lambda found: sum(batch.cursor is not None for batch in found) >= number


async def test_rss(desk: Desk) -> None:
    """Two feeds that change from look to look; a cut at any moment loses and doubles nothing."""
    first = [(f"a{i}", OLD + i) for i in range(30)]
    desk.gives("one", rss(*first[:20]), rss(*first), etag='"x"')
    desk.gives(
        "two",
        rss(("b1", NOW - 60), ("b2", None), ("b3", NOW + 9_000)),
        rss(("b1", NOW - 60), ("b4", NOW - 5)),
    )

    def make() -> Made:
        desk.asked.clear()
        desk.now = NOW
        connector = desk.connector("one", "two")
        connector._wall = _going(desk)
        ended = Until(connector, lambda _: min(len(desk.heard(n)) for n in ("one", "two")) >= 4)
        return desk.config("one", "two"), ended

    await check_connector(make)


def _going(desk: Desk) -> Callable[[], float]:
    """A clock that goes on a little whenever somebody looks."""

    def wall() -> float:
        desk.now += 0.002
        return desk.now

    return wall


async def test_faults() -> None:
    await check_faults(
        lambda url: RssConnector(
            RssConfig.model_validate(
                {"name": "press", "feeds": [f"{url}/feed?key=s3cret"], "inside": (inside(url),)}
            )
        ),
        place="127.0.0.1",
        remedy="",
        secrets=["s3cret"],
    )


async def test_an_entry_becomes_an_article(desk: Desk) -> None:
    head = "<language>nl-BE</language>"
    desk.gives("one", rss(("g1", NOW - 30), ("g2", OLD), ("g3", None), ("g4", NOW + 7_200), head=head))
    found = await desk.read(desk.connector("one"), rounds(1))
    recent, old, undated, ahead = sorted(items(found), key=lambda item: item.id)
    for item in (recent, old, undated, ahead):
        check(item)
    assert (recent.id, recent.kind, recent.source, recent.lang) == ("g1", "article", "press", "nl")
    assert recent.text == "Acme kettles burn g1\nMore of g1" and recent.url == f"{desk.base}/g1?a=1"
    assert (recent.created_ms, recent.dated_by) == ((NOW - 30) * 1_000, "created")
    assert old.dated_by == undated.dated_by == ahead.dated_by == "seen"
    # At the first look only the article with a date of now counts.
    assert [len(batch.items) for batch in found] == [1, 3] and [b.backfill for b in found] == [False, True]


async def test_what_comes_later_than_it_is_dated_counts_from_when_it_was_seen(desk: Desk) -> None:
    desk.gives("one", rss(("g1", OLD)), rss(("g1", OLD), ("g2", OLD + 60)))
    found = await desk.read(desk.connector("one"), lambda f: len(items(f)) >= 2)
    assert [(i.id, i.dated_by) for i in items(found)] == [("g1", "seen"), ("g2", "seen")]
    assert [batch.backfill for batch in found if batch.items] == [True, False]


async def test_after_a_restart_nothing_comes_twice_and_after_a_long_one_nothing_counts(desk: Desk) -> None:
    desk.gives(
        "one",
        rss(("g1", OLD)),
        rss(("g1", OLD), ("g2", OLD + 60)),
        rss(("g1", OLD), ("g2", OLD), ("g3", OLD)),
    )
    cursor = (await desk.read(desk.connector("one"), rounds(1)))[-1].cursor
    desk.now += 30
    soon = await desk.read(desk.connector("one"), rounds(1), cursor)
    assert [(i.id, batch.backfill) for batch in soon for i in batch.items] == [("g2", False)]
    desk.now += 7_200
    late = await desk.read(desk.connector("one"), rounds(1), soon[-1].cursor)
    assert [(i.id, batch.backfill) for batch in late for i in batch.items] == [("g3", True)]


async def test_new_words_are_an_edit(desk: Desk) -> None:
    desk.gives(
        "one",
        rss(("g1", OLD)),
        rss(("g1", OLD, "Acme kettles are safe")),
        rss(("g1", OLD, "Acme kettles are safe")),
    )
    found = await desk.read(desk.connector("one"), rounds(4))
    assert [(i.id, i.kind) for i in items(found)] == [("g1", "article"), ("g1", "edit")]
    assert "are safe" in (items(found)[1].text or "") and items(found)[1].dated_by == "seen"


async def test_it_asks_with_conditions_and_now_and_then_without(desk: Desk) -> None:
    def answer(i: int, request: Request) -> Response:
        if request.headers.get("if-none-match") == 'W/"v1"':
            return Response(status_code=304)
        return Response(
            rss(("g1", OLD)), headers={"etag": 'W/"v1"', "last-modified": "yesterday, about noon"}
        )

    desk.feeds["one"] = answer
    connector = desk.connector("one")
    found = await desk.read(connector, rounds(3))
    assert [i.id for i in items(found)] == ["g1"]
    first, second, third = desk.heard("one")[:3]
    assert "if-none-match" not in first and "rss+xml" in first["accept"]
    for headers in (second, third):
        assert (
            headers["if-none-match"] == 'W/"v1"' and headers["if-modified-since"] == "yesterday, about noon"
        )
    desk.now += 6 * 3_600
    desk.asked.clear()
    again = await desk.read(desk.connector("one"), rounds(2), found[-1].cursor)
    assert "if-none-match" not in desk.heard("one")[0] and "if-none-match" in desk.heard("one")[1]
    assert items(again) == []


@pytest.mark.parametrize(
    ("head", "headers", "wait"),
    [
        ("", {}, 0.01),
        ("<ttl>30</ttl>", {}, 1_800),
        ("<ttl>99999</ttl>", {}, 7_200),
        ("", {"cache_control": "public, max-age=900"}, 900),
        ("<ttl>5</ttl>", {"cache_control": 'MAX-AGE="600"'}, 600),
        ("", {"cache_control": "max-age=1e9, max-age=-1"}, 0.01),
    ],
)
async def test_it_asks_no_more_often_than_is_wished(
    desk: Desk, head: str, headers: dict[str, str], wait: float
) -> None:
    desk.gives("one", rss(("g1", OLD), head=head), **headers)
    connector = desk.connector("one")
    await desk.read(connector, rounds(1))
    (state,) = connector._states.values()
    assert state.due - NOW == pytest.approx(wait, abs=2.0)


async def test_one_feed_that_is_unwell_stops_no_other(desk: Desk) -> None:
    desk.gives("good", rss(("g1", OLD)), rss(("g1", OLD), ("g2", OLD)))
    desk.feeds["gone"] = lambda *_: Response(status_code=410)
    desk.feeds["page"] = lambda *_: Response("<html>planted</html>")
    desk.feeds["later"] = lambda i, _: Response(status_code=503) if i < 2 else Response(rss(("l1", OLD)))
    found = await desk.read(
        desk.connector("good", "gone", "page", "later"),
        lambda f: (
            {"g2", "l1"} <= {i.id for i in items(f)} and "" in {t.message for b in f for t in b.troubles}
        ),
    )
    told = [(t.where, t.message) for batch in found for t in batch.troubles]
    assert ("127.0.0.1 (feed 2)", "HTTP 410, gone for good: take it out of the settings") in told
    assert [m for w, m in told if w.endswith("feed 3)")] == ["it cannot be read: it begins like no feed"]
    later = [m for w, m in told if w.endswith("feed 4)")]
    assert later == ["HTTP 503", ""]
    assert len(desk.heard("gone")) == 1


async def test_all_feeds_unwell_is_an_error(desk: Desk) -> None:
    for name in ("one", "two"):
        desk.feeds[name] = lambda *_: Response(status_code=503, headers={"retry-after": "77"})
    with pytest.raises(TemporaryError) as caught:
        await desk.read(desk.connector("one", "two"), lambda _: False)
    assert caught.value.reason is Reason.SERVER and caught.value.retry_after_s == 77
    desk.feeds["two"] = desk.feeds["one"] = lambda *_: Response(status_code=410)
    with pytest.raises(PermanentError) as gone:
        await desk.read(desk.connector("one", "two"), lambda _: False)
    assert gone.value.reason is Reason.GONE


async def test_a_feed_that_has_moved_for_good_is_asked_there(desk: Desk) -> None:
    desk.feeds["old"] = lambda *_: Response(status_code=301, headers={"location": "/new"})
    desk.gives("new", rss(("g1", OLD)))
    found = await desk.read(desk.connector("old"), rounds(2))
    assert len(desk.heard("old")) == 1 and len(desk.heard("new")) == 2
    desk.asked.clear()
    desk.feeds["new"] = lambda *_: Response(status_code=404)
    desk.gives("old", rss(("g2", OLD)))
    with pytest.raises(PermanentError):
        await desk.read(desk.connector("old"), rounds(1), found[-1].cursor)
    assert [name for name, _ in desk.asked] == ["new"]


async def test_a_hostile_feed_is_told_and_the_others_go_on(desk: Desk) -> None:
    bomb = b"<!DOCTYPE r [<!ENTITY a 'b'>]><rss><channel><item><title>&a;</title></item></channel></rss>"
    desk.gives("bomb", bomb)
    desk.gives("good", rss(("g1", OLD)))
    found = await desk.read(
        desk.connector("bomb", "good"), lambda f: bool(items(f)) and any(b.troubles for b in f)
    )
    (trouble,) = [t for batch in found for t in batch.troubles]
    assert trouble.message == "it is not read: it declares entities, which no feed needs"


async def test_hubs_are_shown(desk: Desk) -> None:
    head = "<atom:link xmlns:atom='http://www.w3.org/2005/Atom' rel='hub' href='https://hub.example/'/>"
    desk.gives("one", rss(("g1", OLD), head=head))
    connector = desk.connector("one")
    await desk.read(connector, rounds(1))
    assert list(connector.hubs.values()) == [("https://hub.example/",)]


async def test_a_list_of_ones_own(desk: Desk, tmp_path: Path) -> None:
    desk.gives("nl", rss(("n1", OLD)))
    desk.gives("be", rss(("b1", OLD)))
    listed = [
        {"name": f"Desk {c}", "country": c, "language": "nl", "feed": f"{desk.base}/{c}"}
        for c in ("nl", "be")
    ]
    path = tmp_path / "desks.yaml"
    path.write_text(json.dumps(listed))
    settings = {"name": "press", "list": str(path), "countries": ["BE"], "inside": (inside(desk.base),)}
    config = RssConfig.model_validate(settings)
    assert config.role == "press" and [place.name for place in config.places()] == ["Desk be"]
    found = await desk.read(RssConnector(config, wall=lambda: desk.now), rounds(1))
    assert [(i.id, i.lang) for i in items(found)] == [("b1", "nl")]
    assert RssConfig.model_validate({**settings, "role": "own"}).role == "own"
    path.write_text("- {name: x, country: nl, language: nl}")
    with pytest.raises(ValueError, match=r"entry 0.feed"):
        RssConfig.model_validate({**settings, "list": str(path), "name": "other"}).places()


def test_the_list_that_is_shipped() -> None:
    everything = RssConfig.model_validate({"name": "press", "list": "press"})
    assert everything.role == "press" and 40 <= len(everything.places()) <= 60
    assert all(place.url.startswith("https://") for place in everything.places())
    assert len({place.name for place in everything.places()}) == len(everything.places())
    dutch = RssConfig.model_validate({"name": "press", "list": "press", "languages": ["nl"]})
    assert 15 <= len(dutch.places()) < len(everything.places())


@pytest.mark.parametrize(
    "bad", ["nonsense", "[]", '{"URL": 1}', '{"URL": ["", "", "", 1, 2, 3, "\\u00e9"]}', "3"]
)
async def test_a_cursor_of_somebody_else_is_a_permanent_error(desk: Desk, bad: str) -> None:
    with pytest.raises(PermanentError) as caught:
        await desk.read(desk.connector("one"), rounds(1), Cursor(bad.replace("URL", f"{desk.base}/one")))
    assert caught.value.reason is Reason.MALFORMED


async def test_a_feed_as_large_as_any_leaves_a_cursor_that_is_not(desk: Desk) -> None:
    desk.gives("one", rss(*((f"g{i}", OLD) for i in range(1_100))))
    found = await desk.read(desk.connector("one"), rounds(1))
    assert len(items(found)) == 1_000 and found[-1].cursor is not None and len(found[-1].cursor) < 2_000
    assert "100 entries above the thousand" in found[-1].refused[0].message


@needs_shared
async def test_recorded_feeds(desk: Desk) -> None:
    """Every file becomes articles, or a trouble with its reason."""
    assert SHARED is not None
    paths = [
        path for folder in ("rss_real", "rss_nasty") for path in sorted((SHARED / "data" / "payloads" / folder).iterdir())
    ]  # fmt: skip
    for path in paths:
        desk.gives(path.name, path.read_bytes())
    found = await desk.read(
        desk.connector(*(path.name for path in paths)),
        lambda _: len({n for n, _ in desk.asked}) == len(paths),
    )
    for item in items(found):
        check(item)
    assert len(items(found)) > 150
    assert all(t.message.startswith("it cannot be read: ") for b in found for t in b.troubles)


async def test_cancelled_it_leaves_no_child(desk: Desk) -> None:
    desk.gives("one", rss(("g1", OLD)))
    before = asyncio.all_tasks()
    started = asyncio.Event()

    async def listen() -> None:
        async with aclosing(desk.connector("one").batches(None)) as batches:
            async for _ in batches:
                started.set()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(listen())
        await started.wait()
        task.cancel()
    assert task.cancelled()
    await asyncio.sleep(0.05)
    assert not [t for t in asyncio.all_tasks() - before if "uvicorn" not in repr(t.get_coro())]
