"""What is shipped works: the wheel, installed into an empty environment elsewhere, pages."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = [pytest.mark.wheel, pytest.mark.timeout(300)]


def uv() -> str:
    """The uv that set this checkout up: the one on the path, or the one of `make setup`."""
    beside = (ROOT / ".uv" / "bin" / "uv", Path(sys.executable).parent / "uv")
    found = shutil.which("uv") or next((str(p) for p in beside if p.exists()), None)
    if found is None:
        pytest.fail("no uv: run `make setup`")
    return found


def run(*command: str, cwd: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Run it with no settings of this checkout, and with the variables `given`."""
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("WARN_", "VIRTUAL_ENV", "PYTHON"))
    }
    done = subprocess.run(
        command,
        cwd=cwd,
        env={"UV_SYSTEM_CERTS": "true", **environment, **given},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built with the hatchling of this environment, so that no index is asked."""
    out = tmp_path_factory.mktemp("dist")
    command = ("build", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", str(out))
    run(uv(), *command, str(ROOT), cwd=out)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and what it depends on, in the versions of uv.lock, and nothing else."""
    folder = tmp_path_factory.mktemp("elsewhere")
    place = folder / "env"
    dependencies = ("sync", "--locked", "--no-dev", "--no-install-project", "--python", sys.executable)
    run(uv(), *dependencies, "--project", str(ROOT), cwd=folder, UV_PROJECT_ENVIRONMENT=str(place))
    run(
        uv(), "pip", "install", "--no-deps", "--python", str(place / "bin" / "python"), str(wheel), cwd=folder
    )
    return folder


def test_wheel_carries_rules_templates_and_dashboards(wheel: Path) -> None:
    """What the daemon reads besides code is inside, and nothing of the tests is."""
    names = zipfile.ZipFile(wheel).namelist()
    for folder, ending in (
        ("warn/_bundled/rules/", ".yaml"),
        ("warn/_bundled/rules/", "schema.json"),
        ("warn/_bundled/grafana/dashboards/", "warn.json"),
        ("warn/web/templates/", ".html"),
        ("warn/web/static/", ".css"),
        ("connectors/simulate", ".py"),
    ):
        assert any(n.startswith(folder) and n.endswith(ending) for n in names), f"no {folder}*{ending}"
    assert not [n for n in names if n.startswith(("tests/", "benchmarks/", ".")) or n.endswith(".pyc")]
    assert any(n.endswith("licenses/LICENSE") for n in names)


def test_demo_pages_from_the_wheel(installed: Path) -> None:
    """A stranger's `warn demo`, far from this checkout, ends with a page that says it is a demo."""
    home = installed / "home"
    home.mkdir()
    done = run(str(installed / "env" / "bin" / "warn"), "demo", "--once", cwd=home, HOME=str(home))
    assert any(line.startswith("[DEMO]") for line in done.stdout.splitlines()), done.stdout[-3000:]


def test_version_from_the_wheel(installed: Path) -> None:
    """The program and the distribution agree on what they are."""
    done = run(str(installed / "env" / "bin" / "warn"), "version", cwd=installed)
    code = "import importlib.metadata as m; print(m.version('warn-daemon'))"
    version = run(str(installed / "env" / "bin" / "python"), "-c", code, cwd=installed).stdout.strip()
    assert version in done.stdout


def test_a_package_of_somebody_elses_brings_a_connector(installed: Path) -> None:
    """Installed beside the wheel and found by its entry point; the suite of warn.testing runs there too."""
    pond = re.search(r'```python\n("""A pond.*?)```', (ROOT / "docs" / "adding.md").read_text(), re.DOTALL)
    assert pond is not None, "docs/adding.md: the worked connector is gone"
    about, package = "warn_pond-1.0.dist-info", installed / "warn_pond-1.0-py3-none-any.whl"
    with zipfile.ZipFile(package, "w") as out:
        out.writestr("warn_pond.py", pond[1])
        out.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: warn-pond\nVersion: 1.0\n")
        out.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        out.writestr(f"{about}/entry_points.txt", "[warn.connectors]\npond = warn_pond:KIND\n")
        out.writestr(f"{about}/RECORD", "")
    python = installed / "env" / "bin" / "python"
    run(uv(), "pip", "install", "--no-deps", "--python", str(python), str(package), cwd=installed)
    code = """
import asyncio, connectors, tempfile, pathlib
from warn.testing.check_connector import check_connector
from warn.testing import check_bus, check_detector, check_notifier
assert connectors.kind("pond").config.__module__ == "warn_pond", connectors.types()
path = pathlib.Path(tempfile.mkdtemp()) / "a.jsonl"
path.write_text('{"id": "1", "source": "x", "created_at": "2026-05-01T10:00:00Z", "text": "Acme"}\\n')
def make():
    config = connectors.kind("replay").config(name="r", paths=(str(path),))
    return config, connectors.build(config)
asyncio.run(check_connector(make))
print("the suite passed")
"""
    assert "the suite passed" in run(str(python), "-c", code, cwd=installed).stdout
