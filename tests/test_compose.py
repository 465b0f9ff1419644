"""docker-compose.yml and the provisioning files fit together: names, ports, and files that exist."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from grafana.build import OUT
from warn.settings import load

ROOT = Path(__file__).resolve().parents[1]


def read(path: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load((ROOT / path).read_text(encoding="utf-8"))
    return found


SERVICES: dict[str, dict[str, Any]] = read("docker-compose.yml")["services"]


def mounts(service: str) -> dict[str, str]:
    """Container path to what is mounted there: a named volume, or a path of the repository."""
    parts = [volume.split(":") for volume in SERVICES[service].get("volumes", ())]
    return {part[1]: part[0] for part in parts}


@pytest.mark.parametrize("service", list(SERVICES))
def test_what_is_mounted_exists(service: str) -> None:
    """A path that is not there would be made as an empty folder, without a word."""
    volumes = read("docker-compose.yml")["volumes"]
    for source in mounts(service).values():
        assert (ROOT / source).exists() if source.startswith(".") else source in volumes


@pytest.mark.parametrize("service", list(SERVICES))
def test_ports_are_open_to_this_machine_only(service: str) -> None:
    """Nothing here asks for a password, so nothing here listens to the network."""
    for port in SERVICES[service]["ports"]:
        address, outside, inside = port.split(":")
        assert address == "127.0.0.1"
        assert outside == inside


@pytest.mark.parametrize("service", [s for s in SERVICES if s != "warn"])
def test_images_are_pinned(service: str) -> None:
    """A moving tag is a different program tomorrow."""
    name, _, tag = SERVICES[service]["image"].partition(":")
    assert name
    assert tag[:1] in "v123456789"
    assert tag.count(".") == 2


def test_environment_of_warn_is_made_of_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each WARN_ variable is a setting that exists and takes the value."""
    given = SERVICES["warn"]["environment"]
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    loaded = load()
    assert not loaded.warnings
    assert str(loaded.settings.data) in mounts("warn")
    assert str(loaded.settings.rules) in mounts("warn")
    assert loaded.settings.web.host == "0.0.0.0"


def test_the_pieces_find_each_other() -> None:
    """Prometheus asks warn where it listens; Grafana asks Prometheus where that listens, and finds the dashboard."""
    targets = {
        j["job_name"]: j["static_configs"][0]["targets"]
        for j in read("grafana/prometheus.yml")["scrape_configs"]
    }
    (target,) = targets["warn"]
    assert target.partition(":")[0] in SERVICES
    assert SERVICES["warn"]["ports"] == [f"127.0.0.1:{target.partition(':')[2]}:{target.partition(':')[2]}"]
    (source,) = read("grafana/provisioning/datasources/warn.yml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert "127.0.0.1:9090:9090" in SERVICES["prometheus"]["ports"]
    (provider,) = read("grafana/provisioning/dashboards/warn.yml")["providers"]
    folder = mounts("grafana")[provider["options"]["path"]]
    assert (ROOT / folder / OUT.name).samefile(OUT)
    assert mounts("grafana")["/etc/grafana/provisioning"] == "./grafana/provisioning"


def test_image_carries_what_the_build_reads() -> None:
    """Whatever pyproject.toml names is let through .dockerignore."""
    let_through = {
        line[1:].strip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    wanted = {
        "warn",
        "connectors",
        "rules",
        "grafana",
        "pyproject.toml",
        "uv.lock",
        "README.md",
        "LICENSE",
        "NOTICE",
    }
    assert let_through == wanted
    assert all((ROOT / name).exists() for name in wanted)


def test_image_runs_as_nobody_in_particular() -> None:
    """Not as root, and what it says about its health is asked where it listens."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert "USER 10001:10001" in lines
    assert any("127.0.0.1:8080/-/healthy" in line for line in lines)
