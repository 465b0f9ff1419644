"""`warn score`: rows in, rows out, and nothing of what comes later."""

import io
import random
import subprocess
import sys
from itertools import pairwise

import pytest

from warn.cli.score import _score
from warn.detect.base import Verdict
from warn.detect.score import Pager, Scorer

START = 1_700_006_400


def _series(rows: int, every: int, *, spike: int | None = None) -> list[tuple[int, int]]:
    rng = random.Random(1)
    return [
        (START + i * every, rng.randrange(4) + (60 if spike is not None and spike <= i < spike + 4 else 0))
        for i in range(rows)
    ]


@pytest.mark.parametrize("every", [10, 60, 300, 420, 3600, 86400])
def test_a_spike_pages_once(every: int) -> None:
    """At any width of rows the spike pages at once, and no more than its growth and 8-hour pauses allow."""
    rows = 400
    scorer = Scorer(every, 2.0)
    pages = [i for i, (at, v) in enumerate(_series(rows, every, spike=300)) if scorer.row(at, v).page]
    assert pages and pages[-1] in range(300, 304)
    assert min(p for p in pages if p >= 290) <= 302
    assert len([p for p in pages if p >= 300]) <= (2 if every <= 3600 else 4)


def test_scores_are_causal() -> None:
    """The first 60 % of the rows score the same without the rest."""
    whole, part = Scorer(300, 2.0), Scorer(300, 2.0)
    series = _series(1000, 300, spike=700)
    scores = [whole.row(*row).score for row in series]
    assert [part.row(*row).score for row in series[:600]] == scores[:600]


def test_a_page_is_from_a_half_on() -> None:
    scorer = Scorer(300, 2.0)
    for row in (scorer.row(*r) for r in _series(800, 300, spike=500)):
        assert 0.0 <= row.score < 1.0
        assert row.page == (row.score >= 0.5)


def test_a_page_is_followed_by_a_pause_or_by_an_escalation() -> None:
    """Within 8 hours only twice the peak pages again; after them the threshold does."""

    def verdict(score: float) -> Verdict:
        return Verdict(score, 3.0, 60, 9, 1.0)

    pager = Pager()
    told = [(0, 2.0), (60, 4.0), (120, 7.9), (180, 15.7), (240, 31.5), (300, 40.0), (29041, 5.0)]
    assert [at for at, score in told if pager.page(verdict(score), at)] == [60, 240, 29041]


def test_bad_rows_are_told_and_keep_their_place(capsys: pytest.CaptureFixture[str]) -> None:
    """A row that cannot be read scores 0 in its line, says where and why on stderr, and stops nothing."""
    lines = [
        "timestamp,value",
        "2026-01-01T00:00:00,3",
        "yesterday,3",
        "2026-01-01T00:05:00,many",
        "2026-01-01T00:05:00,-1",
        "2026-01-01T00:05:00,nan",
        "",
        "2025-01-01T00:05:00,3",
        "x" * 100_000,
        "2026-01-01 00:10:00+01:00,3",
        "2026-01-01T00:10:00Z,2.4",
        "1767226500,4",
    ]
    out = io.StringIO()
    _score((line + "\n" for line in lines), out, Scorer(300, 2.0), bare=False)
    rows = out.getvalue().splitlines()
    assert rows[0] == "timestamp,value,score,page"
    assert len(rows) == 1 + 10
    assert [float(r.split(",")[2]) for r in rows[2:6]] == [0.0] * 4
    said = capsys.readouterr().err
    for words in (
        "line 3: 'yesterday' is no time",
        "line 4: 'many' is no number",
        "line 5",
        "line 6",
        "line 8: its time is before",
        "7 of 10 rows could not be read",
        "1 values were no whole numbers",
    ):
        assert words in said, said
    assert max(map(len, said.splitlines())) < 300


def test_bare_is_one_number_a_row() -> None:
    out = io.StringIO()
    lines = [f"{at},{v}\n" for at, v in _series(50, 300)]
    _score(lines, out, Scorer(300, 2.0), bare=True)
    assert len([float(x) for x in out.getvalue().splitlines()]) == 50


def test_the_command() -> None:
    """Options are read, rows flow, and a wrong option is a usage error with a sentence."""
    code = "import typer; from warn.cli.score import score; typer.run(score)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        [*command, "--every", "1h", "--budget", "1 per 30d", "--bare"],
        input="timestamp,value\n2026-01-01,5\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout.splitlines()) == 1
    wrong = subprocess.run([*command, "--every", "5"], input="", capture_output=True, text=True, check=False)
    assert wrong.returncode == 2 and "is no duration" in wrong.stderr


def test_memory_is_bounded() -> None:
    """A year of rows keeps what its windows and lessons need."""
    scorer = Scorer(300, 2.0)
    for at, v in _series(60_000, 300):
        scorer.row(at, v)
    assert len(scorer._counts._ends) < 6000
    assert all(a <= b for a, b in pairwise(scorer._counts._ends))
