"""The jars of Apache Kafka's own broker, fetched by Maven once per version into the user's cache folder."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

VERSION: Final = "4.2.1"
"""What warn is tested on, and ships in docker-compose.yml."""
_POM: Final = Path(__file__).with_name("pom.xml")
_FETCH_S: Final = 600


class NoKafkaError(Exception):
    """There is no broker to be had here; the message says what is missing."""


def class_path(version: str = VERSION) -> str:
    """What to give java as its class path. Raises `NoKafkaError`."""
    if shutil.which("java") is None:
        raise NoKafkaError("no java: Debian: apt-get install default-jre-headless maven")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "warn-kafka"
    lib = cache / version
    if not lib.is_dir():
        if shutil.which("mvn") is None:
            raise NoKafkaError("no mvn to fetch the broker's jars: Debian: apt-get install maven")
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as part:
            goal = ("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={part}/lib")
            command = (
                "mvn",
                "--quiet",
                "--batch-mode",
                "--file",
                str(_POM),
                f"-Dkafka.version={version}",
                *goal,
            )
            done = run(command, _FETCH_S)
            if done.returncode:
                raise NoKafkaError(f"Maven cannot fetch Kafka {version}: {done.stdout[-2000:]}")
            try:
                (Path(part) / "lib").rename(lib)
            except OSError:  # another test process was first
                if not lib.is_dir():
                    raise
    return f"{lib}/*"


def run(
    command: Sequence[str], limit_s: float, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; one that takes longer has failed. `stdout` holds all that it said."""
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=limit_s,
            env=env,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, f"{command[0]} took longer than {limit_s} s")


if __name__ == "__main__":
    print(class_path())
