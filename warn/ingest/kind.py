"""What a connector's file says about itself: the settings that it takes, and how it is made of them.

A package of somebody else's says the same under an entry point of the group `warn.connectors`.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Connector, Inbound

GROUP: Final = "warn.connectors"
"""The group of entry points; a point's name is the `type` in the settings, what it points to is a `Kind`."""


class Kind(NamedTuple):
    """`config` has a field `type: Literal["..."]` with a default, by which settings choose it."""

    config: type[ConnectorConfig]
    build: Callable[[Any], Connector | Inbound]

    @property
    def type(self) -> str:
        """What settings call it."""
        return str(self.config.model_fields["type"].default)
