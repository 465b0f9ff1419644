"""`warn watch`: what it says first, what it sets up, and how it goes on without a network."""

import asyncio
import contextlib
import io
import time
from pathlib import Path

import pytest
from rich.console import Console

from connectors import BUILT_IN
from warn.app.open_web import DEAF_TO, OPEN_WEB, Place
from warn.app.screen import screen
from warn.app.watch import Watched, chosen, first_line, watch
from warn.app.watch_board import WatchBoard, heard
from warn.bus.memory import MemoryBus
from warn.bus.memory_store import MemoryStore
from warn.ingest.status import ConnectorState
from warn.model.errors import PermanentError
from warn.rulefile import check_text, draft, load
from warn.web.store import Store


def test_the_first_line_says_what_is_heard_and_what_is_not() -> None:
    line = first_line(["KLM", "Royal Dutch"], chosen([]))
    assert line.startswith('Listening for "KLM", "Royal Dutch" on Bluesky, ')
    assert "Hacker News" in line and DEAF_TO in line and "TikTok" in line


def test_a_source_that_needs_a_key_is_not_there() -> None:
    with pytest.raises(PermanentError, match="no source 'x' that needs no key; there are: bluesky"):
        chosen(["bluesky", "x"])
    assert [place.name for place in chosen(["press", "bluesky"])] == ["press", "bluesky"]


@pytest.mark.parametrize("place", OPEN_WEB, ids=lambda place: place.name)
def test_every_place_can_be_set_up_for_any_name(place: Place) -> None:
    """Settings that the connector takes, whatever is watched."""
    from connectors import kind

    assert place.type in BUILT_IN
    many = [f"acme{n}" for n in range(200)]
    odd = ['He said "hi"', "((((", "\U0001f1f3\U0001f1f1", "\xa0ab", "x" * 150, "طيران"]
    for terms in (["KLM"], ["Acme Bank", "#acme", "@acme"], ["7", "Żabka"], ["株式会社"], many, odd):
        made, settings = kind(place.type), place.settings(terms)
        assert settings is not None
        config = made.config.model_validate({"type": place.type, "name": place.name, **settings})
        assert made.build(config).source == place.name


def test_where_a_name_cannot_be_looked_for_nobody_looks() -> None:
    """A single letter would find everything."""
    by_name = {place.name: place for place in OPEN_WEB}
    for nothing in (["X", "@y"], ["(((("], ["\U0001f1f3\U0001f1f1"]):
        assert by_name["gdelt"].settings(nothing) is None
    assert by_name["gdelt"].settings(["X", "@yz"]) == {"terms": ["yz"]}
    assert by_name["bluesky"].settings(["X"]) is not None
    line = first_line(["X"], chosen(["bluesky"]), chosen(["gdelt"]))
    assert line.endswith("; nor GDELT's index of news, which need a word of two letters to search for.")


async def test_where_nobody_can_search_it_says_so() -> None:
    with pytest.raises(PermanentError, match="a word of two letters"):
        await watch(Watched(("(((",), sources=("gdelt",), seconds=1.0))


def test_how_a_source_is_takes_few_words() -> None:
    def state(**more: object) -> ConnectorState:
        return ConnectorState(name="a", source="a", since=0, **({"state": "running"} | more))

    assert heard(state()) == ""
    assert heard(state(read=3)) == "heard"
    told = heard(state(state="waiting", last_error="a: cannot be reached"))
    assert told == "not heard: cannot be reached; tried again"
    assert "\x1b" not in heard(state(state="parked", last_error="\x1b[2Jgone"))


async def test_without_a_network_it_says_so_once_for_each_source_and_stays_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No name can be resolved: one line for each source, no traceback, and it runs until its time is up."""

    async def nowhere(*_: object, **__: object) -> list[object]:
        raise OSError("no network")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nowhere)
    saved = tmp_path / "klm.yaml"
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        await watch(Watched(("KLM", "@klm"), seconds=6.0, save=saved))
    said = out.getvalue()
    assert said.startswith('Listening for "KLM", "@klm" on')
    assert "for a quarter of an hour nothing rings" in said
    for place in OPEN_WEB:
        lines = [line for line in said.splitlines() if f"  {place.name}: not heard" in line]
        assert len(lines) == 1, f"{place.name}: {lines}\n{said}"
    assert "Traceback" not in said + err.getvalue()
    assert " s warn read 0 posts" in said
    assert "in a browser: http://127.0.0.1:" in said
    loaded = load([saved])
    assert loaded.ruleset is not None and loaded.ruleset.rules[0].mode == "live"
    assert {c.source for _, c in loaded.ruleset.channels if c.role == "press"} == {"press", "gdelt"}


async def test_a_rule_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    there = tmp_path / "klm.yaml"
    there.write_text("mine")
    with pytest.raises(PermanentError, match="is there already"):
        await watch(Watched(("KLM",), sources=(), seconds=1.0, save=there))
    assert there.read_text() == "mine"


async def test_a_narrow_terminal_is_told_in_lines_and_what_was_read_stays_read() -> None:
    """Nothing is squeezed to single letters at 40 columns; and when the connectors are gone, what they read is not."""
    ruleset = check_text(draft("KLM", mode="live")).ruleset
    assert ruleset is not None
    states = [
        ConnectorState(name="press", source="press", since=0, state="running", read=7),
        ConnectorState(
            name="gdelt", source="gdelt", since=0, state="waiting", last_error="gdelt: cannot be reached"
        ),
    ]
    board = WatchBoard(ruleset, Store(), MemoryBus(MemoryStore()), lambda: states)
    await board.look(int(time.time()))
    shown = {width: _drawn(board, width) for width in (40, 100)}
    for text in shown.values():
        assert "KLM" in text and "press" in text and "cannot be reached" in text
    assert "0 posts and 0 reactions" in " ".join(shown[40].split()) and "│" not in shown[40]
    assert len(shown[40].splitlines()) < 10 and "│ KLM" in shown[100]
    states.clear()
    await board.look(int(time.time()))
    assert "warn read 7 posts" in board.last_words() and "press" in _drawn(board, 100)


def _drawn(board: WatchBoard, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=False).print(board.table(width))
    return out.getvalue()


async def test_a_terminal_that_cannot_move_its_cursor_gets_sentences(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    async with screen(60.0) as draw:
        draw("a table", ["a sentence"])
    said = capsys.readouterr()
    assert "a sentence" in said.err and "a table" not in said.out
