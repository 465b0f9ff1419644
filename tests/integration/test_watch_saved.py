"""`warn watch --save` and `--json` as a newcomer types them: every command that is printed works."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from warn.app.open_web import OPEN_WEB
from warn.app.watch_saved import save
from warn.rulefile import load as load_rules
from warn.settings import load

ROOT = Path(__file__).resolve().parents[2]
HERE = {"PYTHONPATH": str(ROOT), "WARN_WEB__PORT": "0", "WARN_LOG__FORMAT": "json"}


def watched(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "warn", "watch", "KLM", "@klm", "--for", "2", *more], cwd=folder,
        env={**os.environ, **HERE}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def printed(said: str, verb: str) -> str:
    """The command that is printed for it, to be typed as it stands."""
    (found,) = [line.strip() for line in said.splitlines() if re.match(rf"  \S.* {verb} --config ", line)]
    return found


def begins(command: str, folder: Path) -> tuple[bool, str]:
    """Type a command that starts a daemon; whether it works, and what it logged until then."""
    log = ""
    with subprocess.Popen(
        ["sh", "-c", f"exec {command}"], cwd=folder, env={**os.environ, **HERE}, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            log += line
            if '"connector_started"' in line and log.count('"connector_started"') == len(OPEN_WEB):
                process.send_signal(signal.SIGTERM)
        return process.wait(timeout=30) == 0, log


def test_what_was_watched_goes_on_as_a_daemon(tmp_path: Path) -> None:
    """With a second way to be told everything is there; without one it says what is needed, and that works."""
    done = watched(tmp_path, "--save", "klm.yaml", "--notify", "http://127.0.0.1:9/hook")
    assert done.returncode == 0, done.stderr
    command = printed(done.stdout, "run")
    well, log = begins(command, tmp_path)
    assert well, log
    for place in OPEN_WEB:
        assert f'"{place.name}"' in log
    assert (tmp_path / "klm-data").is_dir()

    done = watched(tmp_path, "--save", "alone.yaml")
    command = printed(done.stdout, "run")
    well, log = begins(command, tmp_path)
    assert not well and "write `mode: shadow`" in log
    assert "or write `mode: shadow` in alone.yaml" in done.stdout
    rules = tmp_path / "alone.yaml"
    rules.write_text(rules.read_text().replace("\nmode: live\n", "\nmode: shadow\n"))
    well, log = begins(command, tmp_path)
    assert well, log
    assert load_rules([tmp_path]).ruleset is None, "one brand in two files; the settings are no rule file"
    assert [Path(f.file).name for f in load_rules([tmp_path]).files] == ["alone.yaml", "klm.yaml"]


@pytest.mark.parametrize(
    "terms", [["KLM", "@klm"], ['He said "hi"', "yes", "1e3", "\U0001f1f3\U0001f1f1 \x7f"]]
)
def test_the_settings_listen_to_the_same_places(tmp_path: Path, terms: list[str]) -> None:
    given: dict[str, dict[str, Any]] = {
        place.name: {"type": place.type, **(place.settings(terms) or {})} for place in OPEN_WEB
    }
    hook = {
        "type": "webhook",
        "url": "https://hooks.example/in?key=1",
        "secret": "whsec_" + "QUFB" * 10 + "QUE=",
    }
    saved = save(tmp_path / "klm.yaml", "version: 1\n", given, hook)
    settings = load(saved.settings).settings
    assert list(settings.connectors) == [place.name for place in OPEN_WEB]
    for name, one in settings.connectors.items():
        assert one == type(one).model_validate({"name": name, **given[name]})
    assert settings.rules == tmp_path / "klm.yaml" and set(settings.notifiers) == {"screen", "hook"}
    assert saved.settings.stat().st_mode & 0o077 == 0, "it holds a secret"


def test_the_table_as_json_and_nothing_else_on_standard_output(tmp_path: Path) -> None:
    done = watched(tmp_path, "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and len(lines) >= 2
    assert set(lines[-1]) == {
        "at", "brand", "mentions", "echo", "people", "usual", "stories", "story_copies", "state", "sources", "last_posts",
    }  # fmt: skip
    assert {one["name"] for one in lines[-1]["sources"]} == {place.name for place in OPEN_WEB}
    assert set(lines[-1]["sources"][0]) == {"name", "source", "about_us", "read", "heard_at", "state", "how"}
    assert 'Listening for "KLM"' in done.stderr


def test_who_stops_reading_ends_it(tmp_path: Path) -> None:
    """`warn watch KLM --json | head -1` comes back, without a traceback."""
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m warn watch KLM --json | head -1"], cwd=tmp_path,
        env={**os.environ, **HERE}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert json.loads(done.stdout)["brand"] == "KLM"
    assert "Traceback" not in done.stderr and "Broken" not in done.stderr
