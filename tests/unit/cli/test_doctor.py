"""`warn doctor` and `warn init` without a broker: what is looked at on this machine, and that nothing is touched."""

import asyncio
import json
import socket
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.unit.web.client import exposition, filled
from warn.app.machine import look_at_port
from warn.app.symptom import State
from warn.cli import app
from warn.model.errors import PermanentError
from warn.settings import Settings
from warn.web.health import Health
from warn.web.routes import build
from warn.web.server import Server

RULES = """\
version: 1
brand: Acme
owner: comms@acme.example
timezone: Europe/Amsterdam
language: en
mode: {mode}
topics:
  acme: {{any: [Acme]}}
groups:
  - name: acme
    rules:
      - {{alert: AcmeSpike, topic: acme, watch: [mentions], detector: spike, at_least: [{{mentions: 8}}], severity: page}}
"""

Doctor = Callable[..., Result]


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """The command in an empty folder, with settings of its own; a port of the web that is free."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **settings: Any) -> Result:
        given: Mapping[str, Any] = {"web": {"port": 0}, **settings}
        Path("warn.yaml").write_text(json.dumps(given))
        return CliRunner().invoke(app, ["doctor", *arguments])

    return run


def rules(mode: str = "shadow") -> None:
    Path("rules").mkdir()
    Path("rules/acme.yaml").write_text(RULES.format(mode=mode))


def told(result: Result) -> list[tuple[str, str]]:
    return [(c["state"], c["name"]) for c in json.loads(result.stdout)["checks"]]


def test_what_has_to_be_mended_ends_with_3(doctor: Doctor) -> None:
    """An empty folder lacks rules; the line says what to type."""
    result = doctor()
    assert result.exit_code == 3, result.output
    assert 'mkdir -p rules && warn rules new --brand "Your Brand" > rules/your-brand.yaml' in result.stdout
    assert result.stdout.rstrip().endswith("1 to mend")


def test_well_ends_with_0_and_nothing_is_touched(doctor: Doctor, tmp_path: Path) -> None:
    """Neither data folder nor key is made: the first start does that."""
    rules()
    result = doctor("--json")
    assert result.exit_code == 0, result.output
    assert ("well", "rules") in told(result)
    assert ("well", "data folder") in told(result)
    assert ("well", "bus") in told(result)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rules", "warn.yaml"]


def test_live_rules_that_wake_nobody(doctor: Doctor) -> None:
    """A note while they are in shadow, to be mended once they are live."""
    rules("live")
    result = doctor("--json")
    assert result.exit_code == 3
    assert ("wrong", "notifiers") in told(result)
    Path("rules/acme.yaml").write_text(RULES.format(mode="shadow"))
    assert ("note", "notifiers") in told(doctor("--json"))


def test_mistakes_in_rules_are_in_their_place(doctor: Doctor) -> None:
    """File, line and column; and how to see all."""
    rules()
    Path("rules/acme.yaml").write_text(RULES.format(mode="shadow").replace("mode:", "mood:"))
    result = doctor()
    assert result.exit_code == 3
    assert "rules/acme.yaml:6:1: " in result.stdout
    assert "`warn rules check rules` shows all" in result.stdout


def test_a_data_folder_that_cannot_be(doctor: Doctor) -> None:
    """A file where the folder should be."""
    rules()
    Path("data").write_text("")
    result = doctor()
    assert result.exit_code == 3
    assert "data is not a folder: mend `data` in the settings" in result.stdout


def test_a_key_that_others_can_read(doctor: Doctor) -> None:
    """And the command that mends it."""
    rules()
    Path("data").mkdir()
    key = Path("data/hash.key")
    key.write_text("k" * 32)
    key.chmod(0o644)
    result = doctor()
    assert result.exit_code == 3
    assert "others can read this secret; run: chmod 600 data/hash.key" in result.stdout
    assert stat.S_IMODE(key.stat().st_mode) == 0o644


def test_a_port_that_is_taken(doctor: Doctor) -> None:
    """By something that is not warn."""
    rules()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = doctor(web={"port": port})
    assert result.exit_code == 3
    assert f"127.0.0.1:{port} is taken by another program" in result.stdout


def test_what_has_no_effect_is_a_note(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt variable."""
    rules()
    monkeypatch.setenv("WARN_RULESS", "x")
    result = doctor("--json")
    assert result.exit_code == 0
    assert ("note", "settings") in told(result)


def test_kafka_that_is_down(doctor: Doctor) -> None:
    """Every address has its line; the rest is looked at all the same. The limit is said before the wait."""
    rules()
    addresses = "127.0.0.1:1,no.such.host.invalid:9092"
    result = doctor(bus={"kafka": {"bootstrap": addresses}})
    assert result.exit_code == 3
    assert "Asking Kafka, for 45 s at most" in result.stderr
    assert "127.0.0.1:1 refuses the connection: no broker is running there" in result.stdout
    assert "no.such.host.invalid:9092 cannot be found" in result.stdout
    assert "every process of an installation needs the same key" in result.stdout
    assert result.stdout.rstrip().endswith("2 to mend")


def test_a_certificate_that_is_not_there(doctor: Doctor) -> None:
    """Told before anybody is asked."""
    rules()
    security = {"protocol": "ssl", "ca": "nowhere.pem"}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        result = doctor(bus={"kafka": {"bootstrap": address, "security": security}})
    assert result.exit_code == 3
    assert "nowhere.pem: cannot be read: No such file or directory" in result.stdout


def test_settings_that_cannot_be_read_end_with_1(doctor: Doctor) -> None:
    """As for every command."""
    result = doctor(nonsense=1)
    assert isinstance(result.exception, PermanentError)


def test_init_without_kafka_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded bus needs none, and the line says how to get Kafka."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["init"])
    assert isinstance(result.exception, PermanentError)
    assert "WARN_BUS__KAFKA__BOOTSTRAP" in str(result.exception)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_a_daemon_that_answers_is_no_fault(host: str) -> None:
    """The port is taken by warn itself."""
    server = Server(build(filled(), Health(), exposition), host, 0)
    running = asyncio.create_task(server.run())
    for _ in range(500):
        if server._server.started:
            break
        await asyncio.sleep(0.01)
    found = await look_at_port(Settings(web={"host": host, "port": server.port}))
    server.stop()
    await running
    assert (found.state, found.what) == (State.WELL, f"a daemon answers at {host}:{server.port}")
