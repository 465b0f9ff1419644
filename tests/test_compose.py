"""The compose files, the image and what they mount fit together: schema, names, ports, settings, and files that exist.

There is no container engine in this test, so nothing is built and started. That Kafka takes the variables that it is given
here is shown by the image's own translator and a real broker, in tests/kafka/test_compose_kafka.py.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from ruamel.yaml import YAML

from grafana.build import OUT
from warn.app.kafka import kafka_config
from warn.model.flow import EVERYTHING
from warn.settings import load
from warn.telemetry.metrics import CATALOGUE

ROOT = Path(__file__).resolve().parents[1]
FULL, EMBEDDED = "docker-compose.yml", "docker-compose.embedded.yml"
OURS = "warn-daemon:local"
ONCE = {"init"}
"""What runs once, before the others, and ends."""


def read(path: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load((ROOT / path).read_text(encoding="utf-8"))
    return found


def services_of(file: str) -> dict[str, dict[str, Any]]:
    """With what a service extends: what it says itself prevails, a mount by where it is mounted."""
    found: dict[str, dict[str, Any]] = {}
    for name, service in read(file)["services"].items():
        base = service.pop("extends", None)
        over = read(base["file"])["services"][base["service"]] if base else {}
        merged = {**over, **service}
        merged["volumes"] = [*over.get("volumes", ()), *service.get("volumes", ())]
        found[name] = merged
    return found


SERVICES = {file: services_of(file) for file in (FULL, EMBEDDED)}
ALL = [(file, name) for file, services in SERVICES.items() for name in services]
WARN = [(file, name) for file, name in ALL if SERVICES[file][name]["image"] == OURS]
STAGES = {
    name: service["command"][2]
    for name, service in SERVICES[FULL].items()
    if service["image"] == OURS and name not in ONCE
}


def mounts(file: str, service: str) -> dict[str, str]:
    """Container path to what is mounted there: a named volume, or a path of the repository."""
    parts = [volume.split(":") for volume in SERVICES[file][service].get("volumes", ())]
    return {part[1]: part[0] for part in parts}


@pytest.mark.parametrize("file", [FULL, EMBEDDED])
def test_keeps_the_compose_specification(file: str) -> None:
    """By its published JSON schema."""
    schema = json.loads((ROOT / "tests" / "vendor" / "compose-spec.json").read_text(encoding="utf-8"))
    validator = jsonschema_rs.validator_for(schema)
    assert [e.message for e in validator.iter_errors(read(file))] == []
    assert list(validator.iter_errors({"services": {"a": {"imagine": "b"}}}))


@pytest.mark.parametrize(("file", "service"), ALL)
def test_what_is_mounted_exists(file: str, service: str) -> None:
    """A path that is not there would be made as an empty folder, without a word."""
    volumes = read(file)["volumes"]
    for source in mounts(file, service).values():
        assert (ROOT / source).exists() if source.startswith(".") else source in volumes


@pytest.mark.parametrize("file", [FULL, EMBEDDED])
def test_ports_are_open_to_this_machine_only(file: str) -> None:
    """Nothing here asks for a password, so nothing here listens to the network; and no two want one port."""
    published = [port.split(":") for service in SERVICES[file].values() for port in service.get("ports", ())]
    for address, outside, inside in published:
        assert address == "127.0.0.1"
        assert outside == inside
    assert len({outside for _, outside, _ in published}) == len(published)


@pytest.mark.parametrize(("file", "service"), [one for one in ALL if one not in WARN])
def test_images_are_pinned(file: str, service: str) -> None:
    """A moving tag is a different program tomorrow."""
    name, _, tag = SERVICES[file][service]["image"].partition(":")
    assert name
    assert tag[:1] in "v123456789"
    assert tag.count(".") == 2


@pytest.mark.parametrize(("file", "service"), ALL)
def test_containers_may_do_no_more_than_they_need(file: str, service: str) -> None:
    """No capability, no new one, bounded memory; a root that nobody writes to, but for images that do so themselves."""
    one = SERVICES[file][service]
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert one["mem_limit"]
    assert one.get("read_only", False) is (service not in {"kafka", "grafana"})
    assert "privileged" not in one and "user" not in one
    if service not in ONCE:
        assert one["restart"] == "unless-stopped"


@pytest.mark.parametrize(("file", "service"), ALL)
def test_everything_says_whether_it_is_well(file: str, service: str) -> None:
    """So that `up --wait` waits for it; of warn itself the image says how to ask."""
    check: dict[str, Any] | None = SERVICES[file][service].get("healthcheck")
    if (file, service) in WARN:
        assert check == ({"disable": True} if service in ONCE else None)
    else:
        assert check is not None
        assert check["test"][0] == "CMD"
        assert {"interval", "timeout", "start_period", "retries"} <= check.keys()


def test_who_depends_on_whom_is_there_and_can_be_waited_for() -> None:
    """Kafka answers, then the topics are made, then everything that works with them starts."""
    for file, name in ALL:
        for other, how in SERVICES[file][name].get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in ONCE else "service_healthy"
            assert how == {"condition": wanted}
            assert other in SERVICES[file]
    assert list(SERVICES[FULL]["init"]["depends_on"]) == ["kafka"]
    assert all("init" in SERVICES[FULL][name]["depends_on"] for name in STAGES)


def test_every_stage_runs_somewhere() -> None:
    """Once each, under its own name, so that one can be scaled by itself; only the web's port is published."""
    assert sorted(STAGES.values()) == sorted(EVERYTHING)
    assert all(name == stage for name, stage in STAGES.items())
    assert [name for name in STAGES if SERVICES[FULL][name].get("ports")] == ["web"]
    assert all("container_name" not in service for service in SERVICES[FULL].values())


@pytest.mark.parametrize(("file", "service"), WARN)
def test_environment_of_warn_is_made_of_settings(
    file: str, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each WARN_ variable is a setting that exists and takes the value."""
    given = SERVICES[file][service]["environment"]
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    loaded = load()
    assert not loaded.warnings
    assert str(loaded.settings.data) in mounts(file, service)
    assert str(loaded.settings.rules) in mounts(file, service)
    assert loaded.settings.web.host == "0.0.0.0"
    assert loaded.settings.web.port == 8080
    assert (loaded.settings.bus.kafka is None) is (file == EMBEDDED)
    if file == FULL:
        (bootstrap,) = kafka_config(loaded.settings).bootstrap
        kafka = SERVICES[FULL]["kafka"]["environment"]
        assert f"INTERNAL://{bootstrap}" in kafka["KAFKA_ADVERTISED_LISTENERS"].split(",")


def test_kafka_is_the_release_that_is_tested() -> None:
    """And its port for this machine is the one that is published."""
    from tests.kafka.jars import VERSION

    kafka = SERVICES[FULL]["kafka"]
    assert kafka["image"] == f"apache/kafka:{VERSION}"
    assert kafka["ports"] == ["127.0.0.1:9094:9094"]
    assert "HOST://127.0.0.1:9094" in kafka["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert mounts(FULL, "kafka") == {kafka["environment"]["KAFKA_LOG_DIRS"]: "kafka"}


def targets(config: dict[str, Any], job: str) -> Iterator[tuple[str, int]]:
    """(name, port) that a job of Prometheus asks."""
    (one,) = [j for j in config["scrape_configs"] if j["job_name"] == job]
    for group in one.get("static_configs", ()):
        for target in group["targets"]:
            name, _, port = target.partition(":")
            yield name, int(port)
    for group in one.get("dns_sd_configs", ()):
        assert group["type"] == "A"
        yield from ((name, group["port"]) for name in group["names"])


@pytest.mark.parametrize("file", [FULL, EMBEDDED])
def test_prometheus_asks_every_process_of_warn(file: str) -> None:
    """Where it listens; and Prometheus tells Alertmanager what the mounted rules find."""
    mounted = mounts(file, "prometheus")
    config = read(mounted["/etc/prometheus/prometheus.yml"])
    working = {name for at, name in WARN if at == file and name not in ONCE}
    assert set(targets(config, "warn")) == {(name, 8080) for name in working}
    (pattern,) = config["rule_files"]
    assert [path for path in mounted if Path(path).match(pattern)] == ["/etc/prometheus/alerts/warn.yml"]
    ((manager,),) = [c["static_configs"][0]["targets"] for c in config["alerting"]["alertmanagers"]]
    assert manager == "alertmanager:9093"
    assert SERVICES[file]["alertmanager"]["ports"] == ["127.0.0.1:9093:9093"]


@pytest.mark.parametrize("file", [FULL, EMBEDDED])
def test_grafana_finds_prometheus_and_the_dashboard(file: str) -> None:
    """Grafana asks Prometheus where that listens, and finds the dashboard where it was told to look."""
    (source,) = read("grafana/provisioning/datasources/warn.yml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert "127.0.0.1:9090:9090" in SERVICES[file]["prometheus"]["ports"]
    (provider,) = read("grafana/provisioning/dashboards/warn.yml")["providers"]
    folder = mounts(file, "grafana")[provider["options"]["path"]]
    assert (ROOT / folder / OUT.name).samefile(OUT)
    assert mounts(file, "grafana")["/etc/grafana/provisioning"] == "./grafana/provisioning"


def test_every_alarm_has_a_word_of_advice() -> None:
    """Whoever is woken by one finds in the manual what to do."""
    manual = "".join(
        (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("operations.md", "kafka.md")
    )
    told = set(re.findall(r"Warn[A-Z]\w+", manual))
    groups = read("grafana/alerts/warn.yml")["groups"]
    assert told == {rule["alert"] for group in groups for rule in group["rules"]}


def test_alarms_ask_for_metrics_that_exist() -> None:
    """By their names and labels."""
    asked = 0
    for group in read("grafana/alerts/warn.yml")["groups"]:
        for rule in group["rules"]:
            for name in re.findall(r"\bwarn_\w+", rule["expr"]):
                asked += 1
                assert name in CATALOGUE, name
            for labels in re.findall(r"by \(([^)]*)\)", rule["expr"]):
                known = {
                    label
                    for name in re.findall(r"\bwarn_\w+", rule["expr"])
                    for label in CATALOGUE[name].labels
                }
                assert set(labels.replace(" ", "").split(",")) <= known | {"instance"}
    assert asked > 15


def test_image_carries_what_the_build_reads() -> None:
    """Whatever pyproject.toml names is let through .dockerignore."""
    let_through = {
        line[1:].strip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    trees = {"warn", "connectors", "rules", "grafana"}
    wanted = trees | {"pyproject.toml", "uv.lock", "README.md", "LICENSE", "NOTICE"}
    assert let_through == wanted
    assert all((ROOT / name).exists() for name in wanted)


def test_image_is_small_and_runs_as_nobody_in_particular() -> None:
    """Slim, not as root, and what it says about its health is asked where it listens."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert [line.split()[1] for line in lines if line.startswith("FROM")][-1].endswith("-slim-bookworm")
    assert "USER 10001:10001" in lines
    assert any("127.0.0.1:8080/-/healthy" in line for line in lines)
