"""`warn run`: from settings to a running daemon, with signals."""

import asyncio
import signal
import sys
from typing import Final

from connectors import build as build_connector
from warn.app.daemon import Daemon, Plan
from warn.bus.embedded import EmbeddedBus
from warn.bus.topics import PartitionsError
from warn.incident.route import Route, Target
from warn.model.errors import PermanentError, Reason
from warn.model.flow import MENTIONS, SIGNALS
from warn.notify.notifier import Notifier
from warn.notify.registry import build as build_notifier
from warn.settings import Settings, hash_key
from warn.telemetry import events, logs

SWITCH_S: Final = 0.0005


def set_up_logs(settings: Settings) -> None:
    """JSON lines for a machine, plain ones where a person watches, unless the settings say which."""
    form = settings.log.format or ("console" if sys.stderr.isatty() else "json")
    logs.configure(form=form, level=settings.log.level)


async def run(settings: Settings) -> None:
    """Until SIGTERM or SIGINT. Raises `WarnError` for what a person has to mend."""
    key = hash_key(settings)
    bus = await open_bus(settings)
    try:
        if bus.set_aside is not None:
            events.bus_set_aside(str(bus.set_aside))
        # The bus's writer thread waits for the interpreter behind a busy loop: at the default of 5 ms for several turns.
        sys.setswitchinterval(SWITCH_S)
        daemon = Daemon(_plan(settings, bus, key))
        with_signals(daemon)
        await daemon.run()
    finally:
        await bus.close()


async def open_bus(settings: Settings) -> EmbeddedBus:
    """The embedded bus in the data folder."""
    try:
        return await EmbeddedBus.start(
            settings.data,
            partitions={MENTIONS: settings.bus.mentions, SIGNALS: settings.bus.signals},
            max_bytes=int(settings.bus.max_gb * 2**30),
        )
    except PartitionsError as e:
        raise PermanentError(str(e), reason=Reason.CONFIG) from None


def _plan(settings: Settings, bus: EmbeddedBus, key: bytes) -> Plan:
    public = settings.web.public_url or ""
    notifiers = [
        build_notifier(config, stream=sys.stdout, public_url=public) for config in settings.notifiers.values()
    ]
    token = settings.web.reload_token
    return Plan(
        bus,
        key=key,
        data=settings.data,
        rules=settings.rules,
        connectors=[(config, build_connector(config)) for config in settings.connectors.values()],
        notifiers=notifiers,
        routes=routes(settings, notifiers),
        server=(settings.web.host, settings.web.port),
        hosts=settings.web.names,
        reload_token=token.get_secret_value() if token else None,
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
