"""Golden files: bytes of a release, kept for ever. GOLDEN=write adds those that are missing, and changes none."""

import os
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture
def golden():
    """Returns the kept bytes of a name."""

    def read(name: str, now: bytes) -> bytes:
        path = GOLDEN / name
        if not path.exists() and os.environ.get("GOLDEN") == "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(now)
        return path.read_bytes()

    return read
