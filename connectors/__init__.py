"""The only registry of connectors: adding one is a file here and its line below.

A file is loaded when settings name its type. Packages of others say the same in their entry points
(group `warn.connectors`); a type of ours cannot be taken by one of them.
"""

from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, SerializeAsAny

from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Connector, Inbound
from warn.ingest.kind import GROUP, Kind

BUILT_IN: Final = {
    "bluesky": "connectors.bluesky",
    "files": "connectors.files",
    "kafka": "connectors.kafka_topic",
    "replay": "connectors.replay",
    "simulate": "connectors.simulate",
    "slack": "connectors.slack",
    "stdin": "connectors.stdin",
    "webhook": "connectors.webhook",
}
"""Type in the settings to the module whose `KIND` it is."""


def types() -> tuple[str, ...]:
    """All that settings can name, in order."""
    return tuple(sorted({*BUILT_IN, *_packages()}))


@cache
def _packages() -> dict[str, EntryPoint]:
    """Connectors that installed packages bring."""
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in BUILT_IN}


@cache
def kind(type_: str) -> Kind:
    """What a type is. Raises ValueError for one that is not there, or that cannot be loaded."""
    if type_ in BUILT_IN:
        found: object = import_module(BUILT_IN[type_]).KIND
    elif type_ in _packages():
        try:
            found = _packages()[type_].load()
        except Exception as e:
            raise ValueError(f"connector type {type_!r} comes with a package that fails: {e!r}") from e
    else:
        raise ValueError(f"no connector type {type_!r}; there are: {', '.join(types())}")
    if not isinstance(found, Kind):
        raise ValueError(f"connector type {type_!r} comes with a package whose entry point is no Kind")  # noqa: TRY004 - pydantic tells ValueErrors with their place
    return found


def _settle(value: Any) -> Any:
    """The settings of the type that they name."""
    if isinstance(value, ConnectorConfig):
        return value
    type_ = value.get("type") if isinstance(value, dict) else None
    if type_ is None:
        raise ValueError(
            f"settings of a connector are a mapping with `type`; there are: {', '.join(types())}"
        )
    return kind(str(type_)).config.model_validate(value)


ConnectorSettings = Annotated[SerializeAsAny[ConnectorConfig], BeforeValidator(_settle)]
"""The settings of any connector, told apart by `type`."""


def build(config: ConnectorConfig) -> Connector | Inbound:
    """The connector that these settings describe."""
    return kind(str(getattr(config, "type", ""))).build(config)
