"""What chaos tests say is their result, not a by-product: it goes onto the terminal, captured or not."""

import pytest

from tests.chaos.saying import Say


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Print at once."""

    def loud(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", flush=True)

    return loud
