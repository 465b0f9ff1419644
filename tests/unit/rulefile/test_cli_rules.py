"""`warn rules`: what is printed where, and with which exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from warn.cli.rules import app
from warn.rulefile import load

run = CliRunner()
MISTAKES = Path(__file__).parent / "mistakes"


def test_a_sound_file_is_said_to_be_sound(tmp_path: Path) -> None:
    """One line a file on stdout, exit code 0."""
    new = run.invoke(
        app, ["new", "--brand", "-x", "--term", "$X", "--lang", "nl", "--timezone", "Europe/Amsterdam"]
    )
    assert new.exit_code == 0
    (tmp_path / "x.yaml").write_text(new.stdout, encoding="utf-8")
    done = run.invoke(app, ["check", str(tmp_path)])
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path}/x.yaml: sound: -x, 1 topic, 1 rule, shadow\n")
    ruleset = load([tmp_path]).ruleset
    assert ruleset is not None and ruleset.rules[0].timezone == "Europe/Amsterdam"


def test_mistakes_are_exit_code_3_and_a_summary() -> None:
    """Problems and summaries are results: both on stdout."""
    done = run.invoke(
        app, ["check", str(MISTAKES / "budget_is_a_number.yaml"), str(MISTAKES / "brand_is_empty.yaml")]
    )
    assert done.exit_code == 3
    assert done.stdout.count(": 1 mistake") == 2 and "^" in done.stdout


@pytest.mark.parametrize("what", ["empty folder", "nowhere", "no argument"])
def test_nothing_to_check_is_usage(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, a sentence on stderr, nothing on stdout."""
    monkeypatch.chdir(tmp_path)
    arguments = {"empty folder": ["."], "nowhere": ["nowhere"], "no argument": []}[what]
    done = run.invoke(app, ["check", *arguments])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("warn: rules check: there ")


def test_json_holds_everything() -> None:
    """What a program needs to show the mistakes itself."""
    done = run.invoke(app, ["check", "--json", str(MISTAKES / "mode_misspelt.yaml")])
    found = json.loads(done.stdout)
    assert done.exit_code == 3 and found["ok"] is False
    problem = found["problems"][0]
    assert (problem["line"], problem["column"], problem["severity"]) == (4, 7, "error")
    assert found["files"][0]["errors"] == 1


def test_github_format_cannot_be_broken_out_of() -> None:
    """One workflow command a problem, its parts escaped."""
    done = run.invoke(app, ["check", "--format", "github", str(MISTAKES / "mode_misspelt.yaml")])
    assert done.stdout.splitlines()[0].startswith("::error file=") and ",line=4,col=7::" in done.stdout


@pytest.mark.parametrize("brand", ["", "a\nb", "a" * 201])
def test_a_name_that_cannot_be_is_usage(brand: str) -> None:
    """Exit code 2 and no half a file."""
    done = run.invoke(app, ["new", "--brand", brand])
    assert (done.exit_code, done.stdout) == (2, "") and done.stderr


def test_schema_prints_json() -> None:
    """As rules/schema.json has it."""
    assert json.loads(run.invoke(app, ["schema"]).stdout)["title"] == "RuleFile"


def test_checking_loads_neither_river_nor_scipy(tmp_path: Path) -> None:
    """`rules check` answers at once: they are loaded for a river detector only."""
    (tmp_path / "a.yaml").write_text(run.invoke(app, ["new", "--brand", "Acme"]).stdout)
    code = (
        "import sys; from warn.rulefile import load; assert load([sys.argv[1]]).ruleset;"
        "print([m for m in ('river', 'scipy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
