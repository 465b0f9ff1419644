"""The RSS connector against servers of feeds on local ports."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import pytest
from starlette.requests import Request
from starlette.responses import Response

from connectors.rss import RssConfig, RssConnector
from connectors.rss.state import most_known
from tests.contract.connectors.desk import NOW, OLD, Desk, items, named, rounds, rss, standing
from tests.contract.connectors.faults import check_faults, inside
from tests.unit.ingest.pulse import pulse
from warn.ingest.connector import Cursor
from warn.ingest.entry import check
from warn.model.errors import PermanentError, Reason
from warn.testing.check_connector import Made, Until, check_connector


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with standing() as one:
        yield one


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


async def test_entries_that_are_much_work_hold_nobody_up(desk: Desk) -> None:
    """A thousand links of many parameters each, once all is loaded."""
    links = (
        f"<item><title>{i}</title><link>http://x.example/?{i}{'&amp;a' * 330}</link></item>"
        for i in range(1_000)
    )
    hostile = f"<rss version='2.0'><channel>{''.join(links)}</channel></rss>".encode()
    desk.gives("one", rss(("a1", NOW - 30)), hostile)
    failed: list[str] = []
    while len(failed) < 3:
        desk.asked.clear()
        try:
            async with aclosing(desk.connector("one").batches(None)) as batches:
                await anext(batches)
                desk.now += 1
                async with pulse(0.15):
                    found = await anext(batches)
        except AssertionError as e:
            failed.append(str(e))
        else:
            assert len(items([found])) == 1_000
            return
    pytest.fail(str(failed))


async def test_an_entry_becomes_an_article(desk: Desk) -> None:
    head = "<language>nl-BE</language>"
    desk.gives("one", rss(("g1", NOW - 30), ("g2", OLD), ("g3", None), ("g4", NOW + 7_200), head=head))
    found = await desk.read(desk.connector("one"), rounds(1))
    recent, old, undated, ahead = sorted(items(found), key=lambda item: item.id)
    for item in (recent, old, undated, ahead):
        check(item)
    assert (named(recent), recent.kind, recent.source, recent.lang) == ("g1", "article", "press", "nl")
    assert recent.text == "Acme kettles burn g1\nMore of g1" and recent.url == f"{desk.base}/g1?a=1"
    assert (recent.created_ms, recent.dated_by) == ((NOW - 30) * 1_000, "created")
    assert old.dated_by == undated.dated_by == ahead.dated_by == "seen"
    # At the first look only the article with a date of now counts.
    assert [len(batch.items) for batch in found] == [1, 3] and [b.backfill for b in found] == [False, True]


async def test_what_comes_later_than_it_is_dated_counts_from_when_it_was_seen(desk: Desk) -> None:
    desk.gives("one", rss(("g1", OLD)), rss(("g1", OLD), ("g2", OLD + 60)))
    found = await desk.read(desk.connector("one"), lambda f: len(items(f)) >= 2)
    assert [(named(i), i.dated_by) for i in items(found)] == [("g1", "seen"), ("g2", "seen")]
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
    assert [(named(i), batch.backfill) for batch in soon for i in batch.items] == [("g2", False)]
    desk.now += 7_200
    late = await desk.read(desk.connector("one"), rounds(1), soon[-1].cursor)
    assert [(named(i), batch.backfill) for batch in late for i in batch.items] == [("g3", True)]


async def test_new_words_are_an_edit(desk: Desk) -> None:
    desk.gives(
        "one",
        rss(("g1", OLD)),
        rss(("g1", OLD, "Acme kettles are safe")),
        rss(("g1", OLD, "Acme kettles are safe")),
    )
    found = await desk.read(desk.connector("one"), rounds(4))
    assert [(named(i), i.kind) for i in items(found)] == [("g1", "article"), ("g1", "edit")]
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
    assert [named(i) for i in items(found)] == ["g1"]
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
            {"g2", "l1"} <= {named(i) for i in items(f)} and "" in {t.message for b in f for t in b.troubles}
        ),
    )
    told = [(t.where, t.message) for batch in found for t in batch.troubles]
    assert ("127.0.0.1 (feed 2)", "HTTP 410, gone for good: take it out of the settings") in told
    assert [m for w, m in told if w.endswith("feed 3)")] == ["it cannot be read: it begins like no feed"]
    later = [m for w, m in told if w.endswith("feed 4)")]
    assert later == ["HTTP 503", ""]
    assert len(desk.heard("gone")) == 1


async def test_a_hostile_feed_is_told_and_the_others_go_on(desk: Desk) -> None:
    bomb = b"<!DOCTYPE r [<!ENTITY a 'b'>]><rss><channel><item><title>&a;</title></item></channel></rss>"
    desk.gives("bomb", bomb)
    desk.gives("good", rss(("g1", OLD)))
    found = await desk.read(
        desk.connector("bomb", "good"), lambda f: bool(items(f)) and any(b.troubles for b in f)
    )
    (trouble,) = [t for batch in found for t in batch.troubles]
    assert trouble.message == "it is not read: it declares entities, which no feed needs"


@pytest.mark.parametrize(
    "bad", ["nonsense", "[]", '{"URL": 1}', '{"URL": ["", "", "", 1, 2, 3, "\\u00e9"]}', "3"]
)
async def test_a_cursor_of_somebody_else_is_a_permanent_error(desk: Desk, bad: str) -> None:
    with pytest.raises(PermanentError) as caught:
        await desk.read(desk.connector("one"), rounds(1), Cursor(bad.replace("URL", f"{desk.base}/one")))
    assert caught.value.reason is Reason.MALFORMED


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


async def test_a_long_feed_is_read_once(desk: Desk) -> None:
    many = [(f"g{i}", OLD + i) for i in range(300)]
    changed = [*many[:250], ("g250", OLD + 250, "Acme kettles are safe"), *many[251:]]
    desk.gives("one", rss(*many), rss(*many), rss(*changed))
    found = await desk.read(desk.connector("one"), rounds(3))
    assert [len(batch.items) for batch in found] == [300, 0, 1]
    assert [(named(i), i.kind) for i in found[-1].items] == [("g250", "edit")]
    again = await desk.read(desk.connector("one"), rounds(2), found[-1].cursor)
    assert items(again) == []


def test_the_cursor_of_many_feeds_stays_small() -> None:
    assert [most_known(n) for n in (1, 46, 60, 500)] == [1_150, 1_150, 1_000, 150]


async def test_a_feed_that_is_gone_is_not_asked_again(desk: Desk) -> None:
    desk.feeds["gone"] = lambda *_: Response(status_code=410)
    connector = desk.connector("gone")
    for _ in range(3):  # the supervisor looks at it again every quarter of an hour
        with pytest.raises(PermanentError) as caught:
            await desk.read(connector, rounds(1))
        assert caught.value.reason is Reason.GONE
    assert len(desk.heard("gone")) == 1


async def test_an_article_without_an_id_is_one_however_its_link_is_marked(desk: Desk) -> None:
    body = "<rss version='2.0'><channel><item><title>Acme</title><link>/a?id=3&amp;utm_id={}</link></item></channel></rss>"
    desk.gives("one", *(body.format(look).encode() for look in range(4)))
    found = await desk.read(desk.connector("one"), rounds(4))
    assert [named(i) for i in items(found)] == ["/a?id=3"]
