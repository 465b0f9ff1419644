"""What `warn watch` says of its first quarter of an hour, measured: forty people within seconds, with and without `usual`."""

import pytest

from tests.scenario import test_press_clock as clockwork


@pytest.mark.scenario
@pytest.mark.parametrize(
    ("usual", "minutes", "rings"),
    [("", 1, False), ("", 5, False), ("", 15, True), ("usual: {mentions: 40 per day}\n", 1, True)],
)
def test_when_a_burst_rings(usual: str, minutes: int, rings: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    at = clockwork.START + 60 * minutes + 7
    burst = [(at + n // 10, clockwork.said(n, at + n // 10)) for n in range(40)]
    monkeypatch.setattr(clockwork, "RULES", clockwork.RULES.replace("usual: {mentions: 2 per day}\n", usual))
    monkeypatch.setattr(clockwork, "story", lambda: burst)
    opened = [one.at - at for one in clockwork.told(1, 0) if one.event == "opened"]
    assert bool(opened) == rings
    assert all(0 < after <= 20 for after in opened)
