"""Lists of desks, recorded feeds, and what is left of a large one."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.responses import Response

from connectors.rss import RssConfig, RssConnector
from tests.contract.connectors.desk import OLD, Desk, items, named, rounds, rss, standing
from tests.contract.connectors.faults import inside
from tests.shared import SHARED, needs_shared
from warn.ingest.entry import check
from warn.model.errors import TemporaryError


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with standing() as one:
        yield one


async def test_hubs_are_shown(desk: Desk) -> None:
    """Once, by their host alone, and taken back when they are gone."""
    head = "<atom:link xmlns:atom='http://www.w3.org/2005/Atom' rel='hub' href='https://hub.example/?key=s3cret'/>"
    bodies = [rss((f"g{look}", OLD), head=head if look < 2 else "") for look in range(4)]
    desk.gives("one", *bodies)
    found = await desk.read(desk.connector("one"), rounds(4))
    said, gone = [hint for batch in found for hint in batch.hints]
    assert said.where == gone.where == "127.0.0.1 (feed 1)" and gone.message == ""
    assert said.message == "its hub (hub.example) could tell of news at once (WebSub); warn asks by the clock"


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
    assert [(named(i), i.lang) for i in items(found)] == [("b1", "nl")]
    assert RssConfig.model_validate({**settings, "role": "own"}).role == "own"
    path.write_text("- {name: x, country: nl, language: nl}")
    with pytest.raises(ValueError, match=r"entry 0.feed"):
        RssConfig.model_validate({**settings, "list": str(path), "name": "other"}).places()


async def test_a_feed_as_large_as_any_leaves_a_cursor_that_is_not(desk: Desk) -> None:
    desk.gives("one", rss(*((f"g{i}", OLD) for i in range(1_100))))
    found = await desk.read(desk.connector("one"), rounds(1))
    assert len(items(found)) == 1_000 and found[-1].cursor is not None and len(found[-1].cursor) < 9_000
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


async def test_a_feed_that_is_well_again_after_all_had_failed_is_told_so(desk: Desk) -> None:
    ill = lambda *_: Response(status_code=503)  # noqa: E731
    desk.gives("one", rss(("g1", OLD)))
    desk.feeds["two"] = ill
    connector = desk.connector("one", "two")
    first = await desk.read(connector, lambda f: any(b.troubles for b in f))
    desk.feeds["one"] = ill
    with pytest.raises(TemporaryError):
        await desk.read(connector, lambda _: False, first[-1].cursor)
    desk.gives("one", rss(("g1", OLD)))
    desk.gives("two", rss(("g2", OLD)))
    later = await desk.read(connector, rounds(2), first[-1].cursor)
    told = {t.where: t.message for batch in (*first, *later) for t in batch.troubles}
    assert told["127.0.0.1 (feed 2)"] == ""
