"""`warn run --stages --partitions`: what is asked for is understood, or refused with what can be."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from warn.cli import app
from warn.cli.live import _partitions, _stages
from warn.model.errors import PermanentError
from warn.model.flow import EVERYTHING

runner = CliRunner()


def test_stages_come_in_the_order_of_work() -> None:
    """However they are written; none means all."""
    assert _stages("") == EVERYTHING
    assert _stages(" respond, match ,match") == ("match", "respond")


def test_partitions_by_stage() -> None:
    assert _partitions(["match:2,0", "detect: 1"], ("match", "detect")) == {"match": (0, 2), "detect": (1,)}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--stages", "macth"], "there is no stage 'macth'; there are: collect, match, detect, respond, web"),
        (["--partitions", "match"], "'match' is not like match:0,1"),
        (["--partitions", "match:1,"], "is not like match:0,1"),
        (["--partitions", "web:0"], "no stage 'web' with partitions"),
        (["--stages", "detect", "--partitions", "match:0"], "no stage 'match' with partitions, but: detect"),
        (["--partitions", "match:0", "--partitions", "match:1"], "match is named twice"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_a_usage_error(arguments: list[str], told: str) -> None:
    """Exit code 2, before any setting is read."""
    result = runner.invoke(app, ["run", *arguments], terminal_width=400)
    assert result.exit_code == 2
    assert told in result.output


@pytest.mark.parametrize("arguments", [["--stages", "match"], ["--partitions", "match:0"]], ids=" ".join)
def test_one_process_does_everything_on_the_embedded_bus(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told that this needs Kafka; nothing is left running."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PermanentError, match="need Kafka"):
        runner.invoke(app, ["run", *arguments], catch_exceptions=False)
