"""What holds for every test: no settings of this machine, repeatable examples, and no silent skip in CI."""

import asyncio
import os
from collections.abc import Generator

import numpy  # noqa: F401, ICN001 - before any thread does: pytest.approx looks at what is half loaded
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("nightly", settings.get_profile("default"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))

pytest_plugins = ["tests.kafka.fixtures"]

os.umask(0o077)  # settings with secrets in them are for their owner alone, those of tests as well

REQUIRE_REAL = os.environ.get("WARN_REQUIRE_REAL") == "1"


_loop = asyncio.new_event_loop()


def pytest_configure() -> None:
    """On Python 3.11 pytest-asyncio makes a loop and never closes it, and an unclosed loop is an error here."""
    asyncio.set_event_loop(_loop)


def pytest_unconfigure() -> None:
    """The end of it."""
    _loop.close()


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `WARN_*` variable of the person who runs the tests changes no result."""
    for name in list(os.environ):
        if name.startswith("WARN_") and name != "WARN_SHARED":
            monkeypatch.delenv(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a `real` test that skips itself has failed: what it needs was to be installed."""
    report = yield
    required = REQUIRE_REAL and item.get_closest_marker("real") is not None
    if required and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"WARN_REQUIRE_REAL=1, and this was skipped: {why}"
    return report
