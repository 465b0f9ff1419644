"""`warn run`: from settings to a running daemon, with signals."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import MappingProxyType
from typing import Final

from connectors import build as build_connector
from connectors import eclipsed
from warn.app.daemon import Daemon
from warn.app.engine import Named, embedded, on_kafka, opened, whole
from warn.app.plan import Open, Plan
from warn.app.watchdog import Watchdog
from warn.incident.route import Route, Target
from warn.ingest.connector import Connector, Inbound
from warn.model.errors import PermanentError, Reason
from warn.model.flow import EVERYTHING
from warn.notify.notifier import Notifier
from warn.notify.registry import build as build_notifier
from warn.settings import Settings, hash_key
from warn.telemetry import events, logs

SWITCH_S: Final = 0.0005


def set_up_logs(settings: Settings) -> None:
    """JSON lines for a machine, plain ones where a person watches, unless the settings say which."""
    form = settings.log.format or ("console" if sys.stderr.isatty() else "json")
    logs.configure(form=form, level=settings.log.level)


async def run(
    settings: Settings, stages: Sequence[str] = EVERYTHING, named: Named = MappingProxyType({})
) -> None:
    """Until SIGTERM or SIGINT. `stages`: what this process does; `named`: seats to hold whatever others do, by stage.

    Raises `WarnError` for what a person has to mend.
    """
    key = hash_key(settings)
    for connector_type, package in eclipsed().items():
        events.connector_type_eclipsed(connector_type, package)
    async with AsyncExitStack() as stack:
        opening = await _engine(settings, stages, named, key, stack)
        # The bus's writer thread waits for the interpreter behind a busy loop: at the default of 5 ms for several turns.
        sys.setswitchinterval(SWITCH_S)
        daemon = Daemon(_plan(settings, opening, stages, key))
        with_signals(daemon)
        await daemon.run()


async def _engine(
    settings: Settings, stages: Sequence[str], named: Named, key: bytes, stack: AsyncExitStack
) -> Open:
    """What opens the engine: a cluster may be away when the daemon starts; the embedded bus is opened here and now."""
    if settings.bus.kafka is not None:
        return lambda health: on_kafka(settings, stages, named, key, health, stack)
    if set(stages) != set(EVERYTHING) or named:
        raise PermanentError(
            "the embedded bus belongs to one process, which does everything: --stages and --partitions need Kafka "
            "(set bus.kafka.bootstrap)",
            reason=Reason.CONFIG,
        )
    bus = await embedded(settings)
    stack.push_async_callback(bus.close)
    if bus.set_aside is not None:
        events.bus_set_aside(str(bus.set_aside))
    return opened(whole(bus, settings.data))


def _plan(settings: Settings, opening: Open, stages: Sequence[str], key: bytes) -> Plan:
    public = settings.web.public_url or ""
    notifiers = [
        build_notifier(config, stream=sys.stdout, public_url=public) for config in settings.notifiers.values()
    ]
    token = settings.web.reload_token
    made = [(config, build_connector(config)) for config in settings.connectors.values()]
    return Plan(
        opening,
        key=key,
        data=settings.data,
        rules=settings.rules,
        stages=stages,
        connectors=[(config, one) for config, one in made if isinstance(one, Connector)],
        inbound=[(config, one) for config, one in made if isinstance(one, Inbound)],
        notifiers=notifiers,
        routes=routes(settings, notifiers),
        server=(settings.web.host, settings.web.port),
        hosts=settings.web.names,
        reload_token=token.get_secret_value() if token else None,
        watchdog=Watchdog(),
        monitors=[url.get_secret_value() for url in settings.heartbeat.urls] if settings.heartbeat else (),
        monitors_inside=settings.heartbeat.inside if settings.heartbeat else (),
        heartbeat_s=settings.heartbeat.every if settings.heartbeat else 60.0,
    )


def routes(settings: Settings, notifiers: list[Notifier]) -> list[Route]:
    """The routes of the settings; without any, one that takes everything to everybody."""
    targets = {n.name: Target(n.name, n.provider) for n in notifiers}
    if not settings.routes:
        everybody = tuple(targets.values())
        return (
            [Route(name="all", notifiers=everybody, severities=("page", "ticket", "digest"))]
            if targets
            else []
        )
    return [
        Route(
            name=name,
            notifiers=tuple(targets[n] for n in route.notifiers),
            brands=route.brands,
            severities=route.severities,
            pages_per_hour=route.pages_per_hour,
        )
        for name, route in settings.routes.items()
    ]


def with_signals(daemon: Daemon) -> None:
    """SIGTERM and SIGINT end the daemon in order; SIGHUP reads the rules again."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, daemon.stop, number.name)
    loop.add_signal_handler(signal.SIGHUP, daemon.reload_soon)
