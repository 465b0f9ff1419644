"""The only registry of connectors: adding one is a file here, a member of the union, and a case in `build`."""

from typing import Annotated, assert_never

from pydantic import Field

from connectors.replay import ReplayConfig, ReplayConnector
from connectors.simulate import SimulateConfig, SimulateConnector
from warn.ingest.connector import Connector

ConnectorSettings = Annotated[ReplayConfig | SimulateConfig, Field(discriminator="type")]
"""The settings of any connector, told apart by `type`."""


def build(config: ReplayConfig | SimulateConfig) -> Connector:
    """The connector that these settings describe."""
    match config:
        case ReplayConfig():
            return ReplayConnector(config)
        case SimulateConfig():
            return SimulateConnector(config)
        case _:
            assert_never(config)
