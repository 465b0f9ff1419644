"""`warn connectors`: what a daemon says of each, and what each says when it is listened to for a moment."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.unit.web.client import exposition, filled
from tests.unit.web.made_up_register import register
from warn.cli import app
from warn.web.health import Health
from warn.web.routes import build
from warn.web.server import Server

runner = CliRunner()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = Server(build(filled(), Health(), exposition, register=register()), "127.0.0.1", 0)
    thread = threading.Thread(target=lambda: asyncio.run(server.run()), daemon=True)
    thread.start()
    yield server.url
    server.stop()
    thread.join(10)


def test_ls_reads_as_sentences(url: str) -> None:
    result = runner.invoke(app, ["connectors", "ls", "--url", url])
    assert result.exit_code == 3, result.output
    lines = result.stdout.splitlines()
    assert any(
        line.startswith("bsky (bluesky) reads; last heard ") and "1,204 items read." in line for line in lines
    )
    assert any(
        "slack (slack) is parked until somebody mends it" in line and "CUT OFF since" in line
        for line in lines
    )
    assert "  why: slack: HTTP 401: make a new token & set it <b>" in lines
    assert "  what helps: make a new key at the source, and put it into the settings" in lines
    assert "  #general: not in channel" in lines
    assert "  desk: its hub could tell at once" in lines
    assert "Channel viva stands in a rule file, and no connector has brought anything of it." in lines
    as_json = json.loads(runner.invoke(app, ["connectors", "ls", "--json", "--url", url]).stdout)
    assert {one["name"] for one in as_json["connectors"]} == {"bsky", "slack", "calls", "hook"}


def test_check_takes_nothing_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "warn.yaml").write_text(
        "connectors:\n  piped: {type: stdin}\n  again: {type: replay, paths: ['-']}\n"
    )
    read, write = os.pipe()
    os.write(write, b"for the daemon")
    os.close(write)
    done = subprocess.run(
        (sys.executable, "-m", "warn", "connectors", "check", "--seconds", "1"),
        check=False, stdin=read, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("standard input can be read a single time, and nothing was taken from it") == 2
    assert os.read(read, 100) == b"for the daemon"
    os.close(read)


def test_check_listens_without_a_daemon_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "posts.jsonl").write_text(
        '{"id": "1", "source": "x", "created_at": "2026-01-01T00:00:00Z"}\n'
    )
    (tmp_path / "warn.yaml").write_text(
        "connectors:\n  old: {type: replay, paths: [posts.jsonl]}\n  gone: {type: replay, paths: [nothing.jsonl]}\n"
    )
    before = sorted(tmp_path.iterdir())
    result = runner.invoke(app, ["connectors", "check", "old", "--seconds", "1"])
    assert result.exit_code == 0, result.output
    assert "old: heard 1 item, the newest " in result.output
    result = runner.invoke(app, ["connectors", "check", "--seconds", "1", "--json"])
    assert result.exit_code == 3
    found = {one["name"]: one for one in json.loads(result.stdout)}
    assert found["old"]["items"] == 1
    assert found["gone"]["error"]
    assert sorted(tmp_path.iterdir()) == before
    (tmp_path / "posts.jsonl").write_text(
        '{"id": "1", "source": "x", "created_at": "2000-01-01T00:00:00Z"}\n'
    )
    undated = runner.invoke(app, ["connectors", "check", "old", "--seconds", "1"])
    assert "old: heard 1 item\n" in undated.output, "what has no date has no age"
    assert runner.invoke(app, ["connectors", "check", "nope"]).exit_code == 1


@pytest.mark.parametrize("command", [["connectors", "check", "--seconds", "1"], ["doctor"]])
def test_a_place_that_takes_the_call_and_says_nothing_does_not_answer(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each connector of the open web, and what helps; the limit is said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("warn.app.doctor.LISTEN_S", 1.0)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        made: dict[str, dict[str, object]] = {
            "feed": {"type": "rss", "feeds": [f"http://{place}/feed"]},
            "bsky": {"type": "bluesky", "hosts": [f"ws://{place}"]},
            "wiki": {"type": "wikimedia", "terms": ["Acme"], "url": f"http://{place}/"},
            "news": {"type": "gdelt", "terms": ["Acme"], "url": f"http://{place}/"},
            "social": {"type": "mastodon", "servers": [{"host": f"http://{place}"}]},
        }
        settings = {"web": {"port": 0}, "connectors": {k: {**v, "inside": [place]} for k, v in made.items()}}
        (tmp_path / "warn.yaml").write_text(json.dumps(settings))
        result = runner.invoke(app, command)
    assert result.exit_code == 3, result.output
    for name in made:
        assert f"{name}: has not answered within 1 s" in result.output
    assert "`warn connectors check --seconds 60` hears it" in result.output
