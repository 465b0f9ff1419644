"""Every mistake a writer can make is told in its place: the files in `mistakes/` are named after theirs."""

from pathlib import Path

import pytest

from warn.rulefile import load

MISTAKES = sorted((Path(__file__).parent / "mistakes").glob("*.yaml"))


@pytest.mark.parametrize("file", MISTAKES, ids=lambda f: f.stem)
def test_the_mistake_is_told_in_its_place(file: Path) -> None:
    """The first line of the file says where its mistake is, and some of the words it is told in."""
    place, words = file.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").split(" ", 1)
    line, column = map(int, place.split(":"))
    loaded = load([file])
    assert loaded.ruleset is None
    there = [p for p in loaded.problems if (p.line, p.column) == (line, column) and p.severity == "error"]
    assert any(words in p.message for p in there), [p.text() for p in loaded.problems]


@pytest.mark.parametrize("file", MISTAKES, ids=lambda f: f.stem)
def test_nothing_is_told_that_does_not_follow_from_the_mistake(file: Path) -> None:
    """One mistake, one error: a list of consequences would hide the cause."""
    errors = [p for p in load([file]).problems if p.severity == "error"]
    allowed = 2 if file.stem in {"rules_outside_a_group", "within_circle"} else 1
    assert len({p.line for p in errors}) <= allowed and len(errors) <= 4, [p.text() for p in errors]


def test_the_caret_stands_under_the_place() -> None:
    """The line is shown as it is, and the caret under the first character of what is wrong."""
    problem = load([MISTAKES[0].parent / "mode_misspelt.yaml"]).problems[0]
    headline, source, caret = problem.text().split("\n")
    assert headline.endswith("4:7: " + problem.message)
    assert source == "    mode: lve"
    assert source[caret.index("^") :] == "lve"


def test_all_mistakes_of_all_files_are_told_at_once() -> None:
    """Two files are wrong, and both are told, in one run."""
    folder = MISTAKES[0].parent
    told = load([folder / "mode_misspelt.yaml", folder / "budget_is_no_rate.yaml"])
    assert {Path(p.file).stem for p in told.problems} >= {"mode_misspelt", "budget_is_no_rate"}
