"""`make bench-kafka` runs through, and says what it promises. What it measures is no matter of a test."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kafka.jars import NoKafkaError, class_path

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

ROOT = Path(__file__).resolve().parents[2]
TINY = ["--quick", "--scale", "0.02", "--seconds", "3", "--idle", "1", "--rates", "600"]


def run(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.kafka", *arguments],
        cwd=ROOT, env=None if path is None else {"PATH": path}, capture_output=True, text=True, timeout=220, check=False,
    )  # fmt: skip


def test_a_tiny_run_has_all_that_it_promises() -> None:
    try:
        class_path()
    except NoKafkaError as e:
        pytest.skip(str(e))
    done = run(*TINY)
    assert done.returncode == 0, done.stderr[-4000:]
    result = json.loads(done.stdout.splitlines()[-1])
    rows = {row["what"]: row for row in result["rates"]}
    assert {"bare", "bare, decoded"} < rows.keys()
    assert rows["bare"]["of_bare"] == [1.0, 1.0, 1.0]
    warn = [row for what, row in rows.items() if "rules" in what]
    assert len(warn) == 5
    assert all(0 < row["k"][0] <= row["k"][1] <= row["k"][2] for row in rows.values())
    assert [row["matched"] == 1 for row in warn] == ["all match" in row["what"] for row in warn]
    assert sum(result["parts"].values()) == pytest.approx(1)
    assert result["match_and_detect"]["detect_us"] > 0
    (live,) = result["live"]
    legs = {"committed", "readable", "counted", "visible", "clock stepped", "incident"}
    assert live["since_produced"].keys() == legs
    assert live["since_the_leg_before"].keys() == legs - {"committed"}
    whole = live["since_produced"]
    assert whole["committed"]["p50_ms"] <= whole["counted"]["p50_ms"] <= whole["visible"]["p50_ms"]
    for taken in (live, result["idle"]):
        assert taken["cpu"].keys() == {"broker", "match", "detect and respond", "load"}
    assert {
        "versions",
        "cores",
        "kafka",
        "load_average",
        "took_s",
        "more_rules",
        "to_bytewax",
    } < result.keys()
    assert "Thousand mentions per CPU second" in done.stdout


def test_without_java_it_says_so(tmp_path: Path) -> None:
    done = run("--quick", path=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("no Kafka to measure on: no java: ")
