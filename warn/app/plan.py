"""What a daemon is made of."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from warn.app.engine import Engine
from warn.app.watchdog import Watchdog
from warn.incident.route import Route
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Connector, Inbound
from warn.model.errors import PermanentError, Reason
from warn.model.flow import EVERYTHING
from warn.notify.notifier import Notifier
from warn.web.health import Health

Open = Callable[[Health], Awaitable[Engine]]
"""Opens the engine. Raises `TemporaryError` where it is worth trying again, `PermanentError` for what has to be mended."""


class RulesError(PermanentError):
    """There are no rules to work by: the files have mistakes, and none were in force before."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems), reason=Reason.CONFIG)


@dataclass(frozen=True)
class Plan:
    """What a daemon is made of.

    `stages`: what this process does, of collect, match, detect, respond and web. `sources`: what connectors bring
    besides mentions under their own name. `label` begins every text ([DEMO]). `check_routes`: live rules need notifiers
    that can wake somebody. `monitors`: addresses that hear from us every `heartbeat_s` while warn hears and can page.
    `watchdog`: ends the process where it is stuck.
    """

    open: Open
    _: KW_ONLY
    key: bytes
    data: Path
    rules: Path
    stages: Sequence[str] = EVERYTHING
    connectors: Sequence[tuple[ConnectorConfig, Connector]] = ()
    inbound: Sequence[tuple[ConnectorConfig, Inbound]] = ()
    notifiers: Sequence[Notifier] = ()
    routes: Sequence[Route] = ()
    server: tuple[str, int] = ("127.0.0.1", 8080)
    hosts: Sequence[str] = ()
    reload_token: str | None = None
    sources: Sequence[str] = ()
    label: str = ""
    check_routes: bool = True
    watchdog: Watchdog | None = None
    monitors: Sequence[str] = ()
    monitors_inside: Sequence[str] = ()
    heartbeat_s: float = 60.0
