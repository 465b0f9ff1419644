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
    "discourse": "connectors.discourse",
    "files": "connectors.files",
    "gdelt": "connectors.gdelt",
    "hackernews": "connectors.hackernews",
    "kafka": "connectors.kafka_topic",
    "mastodon": "connectors.mastodon",
    "replay": "connectors.replay",
    "rss": "connectors.rss",
    "simulate": "connectors.simulate",
    "slack": "connectors.slack",
    "stdin": "connectors.stdin",
    "trends": "connectors.trends",
    "webhook": "connectors.webhook",
    "wikimedia": "connectors.wikimedia",
    "zendesk": "connectors.zendesk",
}
"""Type in the settings to the module whose `KIND` it is."""


def types() -> tuple[str, ...]:
    """All that settings can name, in order."""
    return tuple(sorted({*BUILT_IN, *_packages()}))


@cache
def _packages() -> dict[str, tuple[EntryPoint, ...]]:
    """Connectors that installed packages bring; none of these is loaded before settings name it."""
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for point in entry_points(group=GROUP):
        if point.name not in BUILT_IN:
            found[point.name] = (*found.get(point.name, ()), point)
    return found


def eclipsed() -> dict[str, str]:
    """Types of ours that a package brings too, each with the package's name: ours is the one that settings get."""
    found: dict[str, set[str]] = {}
    for point in entry_points(group=GROUP):
        if point.name in BUILT_IN:
            found.setdefault(point.name, set()).add(_package(point))
    return {type_: " and ".join(sorted(names)) for type_, names in sorted(found.items())}


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


@cache
def kind(type_: str) -> Kind:
    """What a type is. Raises ValueError for one that is not there, or that cannot be loaded."""
    if type_ in BUILT_IN:
        found: Kind = import_module(BUILT_IN[type_]).KIND
        return found
    if type_ in _packages():
        return _foreign(type_, _packages()[type_])
    raise ValueError(f"no connector type {type_!r}; there are: {', '.join(types())}")


def _foreign(type_: str, points: tuple[EntryPoint, ...]) -> Kind:
    """A type of somebody else's. Whatever is wrong with it is its own: the package is named."""
    names = " and ".join(sorted({_package(point) for point in points}))
    where = f"connector type {type_!r} comes with package {names}"
    if len(points) > 1:
        raise ValueError(f"{where}, of which only one may be installed")
    try:
        found = points[0].load()
    except (Exception, SystemExit) as e:  # it shall not end us without a word
        raise ValueError(f"{where}, which cannot be loaded: {e!r}") from e
    if not isinstance(found, Kind):
        raise ValueError(f"{where}, whose entry point {points[0].value} is no warn.ingest.kind.Kind")  # noqa: TRY004 - pydantic tells ValueErrors with their place
    if "type" not in found.config.model_fields or found.type != type_:
        raise ValueError(f"{where}, whose settings do not say `type: Literal[{type_!r}] = {type_!r}`")
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
