"""`warn incidents` against a web that runs."""

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from tests.unit.web.client import exposition, filled
from tests.unit.web.made_up import INCIDENT, event
from warn.cli import app
from warn.cli.exits import expected
from warn.web.health import Health
from warn.web.routes import build
from warn.web.server import Server

runner = CliRunner()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A running web with one crisis going on, one over, and one whose words are hostile."""
    store = filled()
    store.put_incidents([event(incident="done", mode="shadow", event="resolved", state="closed")])
    store.put_incidents(
        [event(incident="bad", event="resolved", summary="\x1b[2Jgone", message="\x1b]0;title\x07")]
    )
    server = Server(build(store, Health(), exposition), "127.0.0.1", 0)
    thread = threading.Thread(target=lambda: asyncio.run(server.run()), daemon=True)
    thread.start()
    yield server.url
    server.stop()
    thread.join(10)


def test_ls_shows_what_is_going_on(url: str) -> None:
    """A line for each open incident; what is over only when asked for."""
    result = runner.invoke(app, ["incidents", "ls", "--url", url])
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"{INCIDENT}  open          2026-03-06 03:02  Acme: 402 people about 'battery smoke', 251x normal, since 03:02, growing."
    ]
    everything = runner.invoke(app, ["incidents", "ls", "--all", "--url", url]).stdout
    assert "done  over, diary" in everything
    assert "\x1b" not in everything


def test_show_tells_the_whole_story(url: str) -> None:
    """The message, what happened when, and who was told."""
    out = runner.invoke(app, ["incidents", "show", INCIDENT, "--url", url]).stdout
    assert "402 people" in out
    assert "2026-03-06 02:20  opened    Acme: 33 people" in out
    assert "pagerduty: delivered" in out
    assert "hook: refused (auth)" in out
    assert "\x1b" not in runner.invoke(app, ["incidents", "show", "bad", "--url", url]).stdout


def test_json_is_what_the_api_says(url: str) -> None:
    """With --json programs read the same."""
    found = json.loads(runner.invoke(app, ["incidents", "ls", "--all", "--json", "--url", url]).stdout)
    assert found[0]["id"] == INCIDENT
    assert json.loads(runner.invoke(app, ["incidents", "show", INCIDENT, "--json", "--url", url]).stdout)[
        "events"
    ]


@pytest.mark.parametrize("incident", ["none", "../../metrics", "a/b", "%2e%2e"])
def test_an_unknown_incident_is_said(url: str, incident: str) -> None:
    """An id that is not kept, or is none, is told in a sentence."""
    result = runner.invoke(app, ["incidents", "show", incident, "--url", url])
    assert result.exception is not None
    [error] = expected(result.exception)
    assert "no such incident" in str(error)


def test_what_is_no_warn_is_said(url: str) -> None:
    """An address where something else answers is told as such."""
    result = runner.invoke(app, ["incidents", "ls", "--url", f"{url}/static"])
    assert result.exception is not None
    [error] = expected(result.exception)
    assert "Is it one?" in str(error)
