"""Logs: one form for every line, and no line that another can forge."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warn.bus.base import FencedError, TrimmedError
from warn.bus.codec import StateTooLargeError, UnreadableStateError
from warn.model.errors import PermanentError, Reason
from warn.stages.base import MissingConfigError
from warn.telemetry import events, logs, series


@pytest.fixture(autouse=True)
def _put_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def to_json(level: logs.Level = "info") -> io.StringIO:
    out = io.StringIO()
    logs.configure(form="json", level=level, stream=out)
    return out


def test_event_is_one_line_with_level_and_time() -> None:
    """A line says what, how bad, when, and the fields of the event."""
    out = to_json()
    events.connector_gap("bluesky", 10, 70)
    (line,) = lines(out)
    assert (line["event"], line["level"]) == ("connector_gap", "warning")
    assert (line["connector"], line["start"], line["end"]) == ("bluesky", 10, 70)
    assert line["timestamp"].endswith("Z")


def test_lines_of_libraries_take_the_same_form() -> None:
    """What uvicorn says is JSON too, and is counted."""
    before = series.REGISTRY.get_sample_value("warn_log_events_total", {"level": "warning"}) or 0
    out = to_json()
    logging.getLogger("uvicorn.error").warning("port %d is taken", 8080)
    (line,) = lines(out)
    assert (line["event"], line["level"]) == ("port 8080 is taken", "warning")
    assert series.REGISTRY.get_sample_value("warn_log_events_total", {"level": "warning"}) == before + 1


def test_level_is_kept() -> None:
    """What is below the level is neither written nor counted."""
    out = to_json("warning")
    before = series.REGISTRY.get_sample_value("warn_log_events_total", {"level": "info"})
    events.listening("127.0.0.1", 1)
    assert out.getvalue() == ""
    assert series.REGISTRY.get_sample_value("warn_log_events_total", {"level": "info"}) == before


def test_requests_of_libraries_stay_out() -> None:
    """A client library's line holds the whole address, and so the key of a webhook."""
    out = to_json("debug")
    logging.getLogger("httpx2").info("HTTP Request: POST https://hooks.example/secret")
    logging.getLogger("uvicorn.access").info("GET /incidents/1?token=secret")
    assert out.getvalue() == ""


def test_the_kafka_client_says_nothing() -> None:
    """Its lines of level debug hold every request, posts and passwords; what its errors mean is told by our events."""
    out = to_json("debug")
    for name in ("aiokafka", "aiokafka.conn", "aiokafka.producer.sender"):
        logging.getLogger(name).debug("Request: SaslAuthenticateRequest(canary)")
        logging.getLogger(name).error("canary")
    assert out.getvalue() == ""


def test_unexpected_error_is_told_by_type_and_place_only() -> None:
    """The message of an error that we did not write may quote a post."""
    out = to_json()
    try:
        int("my secret post")
    except ValueError as error:
        events.worker_failed("match", 0, error, retry_in_s=1.0)
        logging.getLogger("uvicorn.error").exception("failed")
    ours, theirs = lines(out)
    assert "secret" not in out.getvalue()
    assert (ours["error"], ours["reason"]) == ("ValueError", "unexpected")
    assert "test_logs.py" in ours["where"]
    assert theirs["error"] == "ValueError"


def test_error_of_ours_is_told_with_its_message() -> None:
    """An error raised on purpose says what a person can do."""
    out = to_json()
    error = PermanentError("the key is refused: renew it", reason=Reason.AUTH)
    events.connector_failed("press", error, retry_in_s=None)
    (line,) = lines(out)
    assert (line["level"], line["reason"], line["message"]) == (
        "error",
        "auth",
        "the key is refused: renew it",
    )


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        (TrimmedError("t.signals has to be read from 3"), "gone", "t.signals has to be read from 3"),
        (UnreadableStateError("a state record"), "malformed", "a state record"),
        (FencedError("somebody else"), "fenced", "somebody else"),
        (StateTooLargeError("a state body"), "unexpected", "a state body"),
        (MissingConfigError("abc"), "config", "the rule set abc is not in [config]"),
        (TrimmedError("two\nlines " * 100), "gone", "two lines two lines"),
    ],
)
def test_every_error_in_our_own_words_is_told_with_them(error: Exception, reason: str, message: str) -> None:
    """Also those that are no WarnError; a line is bounded."""
    out = to_json()
    events.worker_failed("match", 0, error, retry_in_s=1.0)
    events.worker_fenced("match", 0, error)
    for line in lines(out):
        assert line["reason"] == reason
        assert line["message"].startswith(message)
        assert len(line["message"]) <= 400
        assert "where" not in line


@given(st.text())
def test_escaped_text_is_printable_on_one_line(text: str) -> None:
    """No control, no direction mark, no lone surrogate gets through; plain text is itself."""
    shown = logs.escaped(text)
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0x202A <= ord(c) <= 0x202E for c in shown)
    if text.isprintable():
        assert shown == text


def test_console_line_cannot_be_forged() -> None:
    """A name with a line end and a colour code in it stays inside its line."""
    out = io.StringIO()
    logs.configure(form="console", stream=out)
    events.connector_ended("a\nERROR forged \x1b[31m")
    assert out.getvalue().count("\n") == 1
    assert "\x1b" not in out.getvalue()
