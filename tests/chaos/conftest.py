"""What chaos tests say is their result, not a by-product: it goes onto the terminal, captured or not."""

import logging
from collections.abc import Iterator

import pytest

from tests.chaos.saying import Say


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Print at once."""

    def loud(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", flush=True)

    return loud


@pytest.fixture(autouse=True)
def _quiet_clients() -> Iterator[None]:
    """A client whose broker was killed says so some hundred times a second; the processes' own events say more."""
    clients = logging.getLogger("aiokafka")
    before = clients.level
    clients.setLevel(logging.CRITICAL)
    yield
    clients.setLevel(before)
