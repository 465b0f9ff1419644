"""Where recorded material lies, if it is there: tests that need it are skipped loudly where it is not."""

import os
from pathlib import Path

import pytest

_given = os.environ.get("WARN_SHARED")
_beside = Path(__file__).resolve().parents[2] / "shared"
SHARED: Path | None = Path(_given) if _given else _beside if (_beside / "data").is_dir() else None

needs_shared = pytest.mark.skipif(SHARED is None, reason="recorded material is absent: set WARN_SHARED")
