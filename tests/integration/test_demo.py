"""The two words that a stranger types first: `warn demo`."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).resolve().parents[2]
WARN = [sys.executable, "-m", "warn"]


def _environ(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


@pytest.mark.timeout(120)
def test_a_page_within_90_seconds(tmp_path: Path) -> None:
    """It prints one page for the crisis, the address of an incident page that answers, and a next line that works."""
    started = time.monotonic()
    done = subprocess.run(
        [*WARN, "demo", "--once", "--port", "0", "--seconds", "5"],
        cwd=tmp_path, env=_environ(WARN_NOTIFIERS__PAGER__TYPE="pagerduty"), capture_output=True, text=True, timeout=110,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - started < 90
    assert "Traceback" not in done.stderr
    assert done.stdout.count("[DEMO] Acme:") >= 1
    assert re.search(r"http://127\.0\.0\.1:\d+/incidents/[0-9a-f]{16}", done.stdout)
    next_line = done.stdout.strip().splitlines()[-1].strip()
    after = subprocess.run(
        next_line, shell=True, cwd=tmp_path, env=_environ(), capture_output=True, text=True, check=False
    )
    assert after.returncode == 0, after.stderr
    assert (tmp_path / "my-rules" / "your-brand.yaml").read_text().startswith("#")
    assert [p.name for p in tmp_path.iterdir()] == ["my-rules"]


@pytest.mark.timeout(120)
def test_it_stays_until_ctrl_c(tmp_path: Path) -> None:
    """Without --once it stays up, serves its page under strict headers, and Ctrl-C ends it well."""
    with subprocess.Popen(
        [*WARN, "demo", "--port", "0", "--seconds", "5"],
        cwd=tmp_path, env=_environ(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as demo:  # fmt: skip
        assert demo.stdout is not None
        said: list[str] = []
        url = ""
        for line in demo.stdout:
            said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+/incidents/[0-9a-f]+", line):
                url = found[0]
            if "Ctrl-C" in line:
                break
        answer = httpx2.get(url, trust_env=False)
        assert answer.status_code == 200
        assert "[DEMO]" in answer.text
        assert "<svg" in answer.text
        demo.send_signal(signal.SIGINT)
        rest = demo.stdout.read()
        assert demo.wait(25) == 0, "".join(said) + rest
