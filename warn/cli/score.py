"""`warn score`: a series of counts on standard input, a score for each row on standard output, as it comes in."""

import csv
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, TextIO

import typer

from warn.cli.exits import USAGE, say

if TYPE_CHECKING:
    from warn.detect.score import Scorer

SHOWN: Final = 80
"""Characters of a bad line that are quoted."""
TOLD: Final = 20
"""Bad lines that are told one by one; the rest are counted."""

Every = Annotated[str, typer.Option("--every", help="The time that one row covers: 10s, 1m, 5m, 1h.")]
Budget = Annotated[
    str, typer.Option("--budget", help="False pages that are affordable: a ceiling, no quota.")
]
Bare = Annotated[bool, typer.Option("--bare", help="Print the score alone, one number a row and no header.")]


def score(every: Every = "5m", budget: Budget = "2 per 30d", bare: Bare = False) -> None:
    """Score a series of counts: lines `timestamp,value` in, `timestamp,value,score,page` out.

    The score is 0 to 1, and a page from 0.5 on. A row's time is its beginning; without an offset it is UTC; plain
    numbers are seconds since 1970. The detector is that of `detector: spike`, and knows of a row only what came
    before it.
    """
    # Here, not above: `warn --help` should not wait for what reading rule files needs.
    from warn.rulefile.quantity import DAY, duration, rate

    try:
        seconds, (count, per) = duration(every), rate(budget)
        scorer = _scorer(seconds, count * 30 * DAY / per)
    except ValueError as e:
        say(str(e))
        raise typer.Exit(USAGE) from None
    lines = (line.decode("utf-8", "replace") for line in sys.stdin.buffer)
    _score(lines, sys.stdout, scorer, bare=bare)


def _scorer(every: int, budget: float) -> "Scorer":
    from warn.detect.score import Scorer as Made

    return Made(every, budget)


def _score(lines: Iterable[str], out: TextIO, scorer: "Scorer", *, bare: bool) -> None:
    writer = csv.writer(out, lineterminator="\n")
    if not bare:
        writer.writerow(("timestamp", "value", "score", "page"))
    rows = bad = fractions = 0
    for number, line in enumerate(lines, 1):
        stamp, _, text = (part.strip() for part in line.rpartition(","))
        if not stamp and not text:
            continue
        if number == 1 and _is_header(text):
            continue
        rows += 1
        shown, page = 0.0, False
        try:
            value = _value(text)
            fractions += value != round(value)
            row = scorer.row(_time(stamp), value)
            shown, page = row.score, row.page
        except ValueError as e:
            bad += 1
            if bad <= TOLD:
                say(f"line {number}: {e}; its score is 0: {line.strip()[:SHOWN]!r}")
        if bare:
            out.write(f"{shown!r}\n")
        else:
            writer.writerow((stamp, text, repr(shown), int(page)))
        out.flush()
    if bad:
        say(f"{bad} of {rows} rows could not be read")
    if fractions:
        say(f"{fractions} values were no whole numbers and have been rounded: this is for counts")


def _is_header(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return True
    return False


def _value(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{text[:SHOWN]!r} is no number") from None
    if not 0 <= value < float("inf"):
        raise ValueError(f"a count is a number from 0 up, not {text[:SHOWN]!r}")
    return value


def _time(text: str) -> int:
    """Seconds since the epoch of an ISO 8601 time, or of a plain number of seconds."""
    try:
        if text.isascii() and text.isdigit() and len(text) <= 11:
            return int(text)
        when = datetime.fromisoformat(text)
        return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text[:SHOWN]!r} is no time; write 2026-12-01T09:00:00") from None
