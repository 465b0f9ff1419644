"""The command line: quick to answer, exact in its exit codes, and never a traceback for what was to be expected."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from warn import __version__
from warn.cli import app
from warn.cli.exits import expected
from warn.model.errors import PermanentError, Reason

VERBS = ("demo", "run", "replay", "init", "doctor", "score", "rules", "incidents", "version")
runner = CliRunner()


def _warn(*arguments: str, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "warn", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3]), **environ},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_help_imports_nothing_heavy() -> None:
    """`warn --help` answers without scipy, river, the web, the bus and the matcher."""
    code = (
        "import sys\nsys.argv=['warn','--help']\nfrom warn.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy={'scipy','river','fastapi','uvicorn','sqlite3','ahocorasick_rs','re2','pydantic','jinja2','ruamel'}\n"
        "print(sorted(heavy & set(sys.modules)),file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=True
    )
    assert done.stderr.strip() == "[]"
    assert all(verb in done.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    """-h and --help explain each verb, with exit code 0."""
    for flag in ("-h", "--help"):
        result = runner.invoke(app, [verb, flag])
        assert result.exit_code == 0
        assert "Usage:" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"], ["replay"], ["replay", "x.jsonl"], ["replay", "--no-such"], ["run", "--port"], ["demo", "--seconds", "1"],
        ["replay", "/no/such.jsonl", "--rules", ".", "--alerts", "-"],
        ["replay", "-", "--rules", "/no/such", "--alerts", "-"],
        ["replay", "-", "-", "--rules", ".", "--alerts", "-"],
        ["replay", "-", "--rules", ".", "--alerts", "-", "--partitions", "7"],
        ["replay", "-", "--rules", ".", "--alerts", "-", "--batch", "0"],
        ["replay", "-", "--rules", ".", "--alerts", "/no/such/folder/out"],
    ],
)  # fmt: skip
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    """What is called wrongly ends with 2 and says how to call it."""
    result = runner.invoke(app, arguments, input="")
    assert result.exit_code == 2, result.output


def test_version() -> None:
    """The version, for people and for programs."""
    assert runner.invoke(app, ["version"]).stdout.startswith(f"warn {__version__} ")
    assert runner.invoke(app, ["--version"]).stdout.startswith(f"warn {__version__} ")
    assert json.loads(runner.invoke(app, ["version", "--json"]).stdout)["warn"] == __version__


def test_expected_failures_are_sentences(tmp_path: Path) -> None:
    """A settings file with a mistake ends with 1, the mistake on stderr, nothing on stdout, and no traceback."""
    (tmp_path / "warn.yaml").write_text("web: {prot: 1}\n")
    done = _warn("run", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("warn: warn.yaml:1:7: web.prot: there is no setting `prot` here")
    assert "Traceback" not in done.stderr


def test_no_rules_is_said_with_the_remedy(tmp_path: Path) -> None:
    """`warn run` in an empty folder says what to type."""
    done = _warn("run", cwd=tmp_path)
    assert done.returncode == 1
    assert "warn rules new" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_daemon_is_said_with_the_remedy() -> None:
    """`warn incidents` without a daemon says where it looked and what to do."""
    result = runner.invoke(app, ["incidents", "ls", "--url", "http://127.0.0.1:9"])
    assert isinstance(result.exception, PermanentError | Exception)
    [error] = expected(result.exception)
    assert str(error) == (
        "no daemon answers at http://127.0.0.1:9. Start one with `warn run`, or say where it is with --url"
    )


def test_only_our_own_errors_are_expected() -> None:
    """A fault of warn is a traceback, also when it comes together with an error that was expected."""
    ours = PermanentError("a", reason=Reason.CONFIG)
    assert expected(ours) == (ours,)
    assert expected(ExceptionGroup("g", [ExceptionGroup("h", [ours])])) == [ours]
    assert not expected(ExceptionGroup("g", [ours, ValueError()]))
    assert not expected(ValueError())


def test_a_closed_pipe_is_no_error_of_ours() -> None:
    """`warn rules schema | head -1` does not complain."""
    done = subprocess.run(
        f"{sys.executable} -m warn rules schema | head -1",
        shell=True,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.stdout == "{\n"
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_completion_is_there() -> None:
    """The shell can be taught our verbs."""
    done = _warn(_WARN_COMPLETE="complete_bash", COMP_WORDS="warn rep", COMP_CWORD="1")
    assert done.stdout.split() == ["replay", "report"]
    assert "--install-completion" in _warn("--help").stdout
