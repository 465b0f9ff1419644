"""`warn demo`: the whole daemon over a made-up town, in a folder that is thrown away.

Days of ordinary talk are fed fast, so that warn knows what is usual; then time is real, and after a while a kettle
catches fire. It reads no settings and cannot reach their notifiers: the only one it has is the terminal.
"""

import asyncio
import signal
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

import httpx2
from rich.console import Console

from connectors.simulate import SimulateConfig, SimulateConnector, Town
from warn.app.board import Board, table
from warn.app.daemon import Daemon
from warn.app.engine import opened, whole
from warn.app.pipeline import Pipeline
from warn.app.plan import Plan, RulesError
from warn.app.replay import GIVE_UP_AFTER
from warn.app.screen import screen, terminal, this_command
from warn.bus.embedded import EmbeddedBus
from warn.bus.rulesets import RuleSets
from warn.incident.route import Route, Target
from warn.ingest.feed import Feed
from warn.model.hashing import PUBLIC_KEY
from warn.model.rules import RuleSet
from warn.notify.console import ConsoleConfig, ConsoleNotifier
from warn.rulefile import load
from warn.rulefile.bundled import bundled
from warn.stages.matchers import Matchers
from warn.telemetry import logs

LABEL: Final = "[DEMO]"
HISTORY_S: Final = 2 * 86_400
PATIENCE_S: Final = 120
"""After the fire breaks out; later than this something is wrong."""
_LOOK_S: Final = 0.5
_LINE_EVERY_S: Final = 10.0
_FREE_BYTES: Final = 64 << 20


async def demo(*, once: bool, port: int, seconds: int) -> bool:
    """Run it; whether a page was printed and its incident page answered. `seconds`: quiet before the fire."""
    logs.configure(form="console", level="error")
    rules = Path(str(bundled("rules") / "demo"))
    ruleset = _rules(rules)
    say = Console(highlight=False, soft_wrap=True).print
    say(f"{LABEL} A made-up town. Nobody but this terminal is told anything.")
    with tempfile.TemporaryDirectory(prefix="warn-demo-") as folder:
        bus = await EmbeddedBus.start(Path(folder), durable=False, free_needed=_FREE_BYTES)
        try:
            started = time.monotonic()
            town, now = Town(), int(time.time())
            posts = await _history(bus, ruleset, town, now)
            say(
                f"Two days of ordinary talk went by in {time.monotonic() - started:.0f} s: {posts:,} posts about us."
            )
            return await _live(
                bus, Path(folder), rules, ruleset, say, now=now, once=once, port=port, seconds=seconds
            )
        finally:
            await bus.close()


def _rules(folder: Path) -> RuleSet:
    loaded = load([folder])
    if loaded.ruleset is None:
        raise RulesError([p.text() for p in loaded.problems])
    return loaded.ruleset


async def _history(bus: EmbeddedBus, ruleset: RuleSet, town: Town, now: int) -> int:
    """Feed what went before, through all stages but to nobody; gives the number of mentions of us."""
    rulesets = RuleSets(bus)
    matchers = Matchers(PUBLIC_KEY)
    pipeline = Pipeline(
        bus, rulesets, key=PUBLIC_KEY, matchers=matchers, wait_s=0.05, give_up_after=GIVE_UP_AFTER
    )
    feed = Feed(bus, ruleset, matchers.filter, key=PUBLIC_KEY, end_s=0, fingerprint="demo")
    async with asyncio.TaskGroup() as group:
        following = group.create_task(rulesets.run())
        group.create_task(pipeline.run())
        fed = await feed.run(lambda start: islice(town.history(now - HISTORY_S, now), start, None))
        await pipeline.caught_up()
        pipeline.stop()
        rulesets.stop()
        following.cancel()
    return fed.let_through


def _town_config(now: int, seconds: int) -> SimulateConfig:
    """The same town from `now` on, where its history ended; what has passed since is made up for at once."""
    return SimulateConfig(
        name="simulate",
        start=datetime.fromtimestamp(now, UTC),
        crisis_after=timedelta(seconds=time.time() - now + seconds),
    )


async def _live(
    bus: EmbeddedBus,
    folder: Path,
    rules: Path,
    ruleset: RuleSet,
    say: Callable[[str], None],
    *,
    now: int,
    once: bool,
    port: int,
    seconds: int,
) -> bool:
    config = _town_config(now, seconds)
    notifier = ConsoleNotifier(ConsoleConfig(), terminal())
    daemon = Daemon(
        Plan(
            opened(whole(bus, folder)),
            key=PUBLIC_KEY,
            data=folder,
            rules=rules,
            connectors=[(config, SimulateConnector(config))],
            notifiers=[notifier],
            routes=[Route(name="demo", notifiers=(Target(notifier.name, notifier.provider),))],
            server=("127.0.0.1", port),
            sources=("press",),
            label=LABEL,
            check_routes=False,
        )
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, daemon.stop, number.name)
    say(
        f"From here time is real. In {seconds} seconds a kettle catches fire. All incidents: {daemon.server.url}"
    )
    show = _Show(daemon, bus, ruleset, say, once=once, deadline_s=seconds + PATIENCE_S)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(daemon.run())
        group.create_task(show.run())
        await asyncio.wait({running})
        show.stop()
    return show.well


class _Show:
    """Watches the daemon and tells the story; ends the daemon when it was told (`once`) or when nothing comes."""

    def __init__(
        self,
        daemon: Daemon,
        bus: EmbeddedBus,
        ruleset: RuleSet,
        say: Callable[[str], None],
        *,
        once: bool,
        deadline_s: float,
    ) -> None:
        self._daemon = daemon
        self._bus = bus
        self._board = Board(ruleset, daemon.store)
        self._say = say
        self._once = once
        self._deadline = time.monotonic() + deadline_s
        self._over = False
        self.well = False
        """The page was printed and its incident page answered."""

    def stop(self) -> None:
        """The daemon has ended."""
        self._over = True

    async def run(self) -> None:
        """Until the daemon ends."""
        async with screen(_LINE_EVERY_S) as draw:
            while not self._over:
                rows = await self._board.look(self._bus, int(time.time()))
                draw(table(rows, f"{LABEL} {time.strftime('%H:%M:%S')}"), [row.sentence() for row in rows])
                if not self.well:
                    await self._look_for_page()
                await asyncio.sleep(_LOOK_S)

    async def _look_for_page(self) -> None:
        for entry in self._daemon.store.incidents(20, open_only=True):
            told = self._daemon.store.deliveries(entry.event.incident)
            if any(d.state == "delivered" for d in told):
                await self._found(f"{self._daemon.server.url}/incidents/{entry.event.incident}")
                return
        if time.monotonic() > self._deadline:
            self._say("No page came, and one should have. Please tell us: this is a fault of warn.")
            self._daemon.stop("no page")

    async def _found(self, url: str) -> None:
        async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
            answer = await client.get(url)
        self.well = answer.status_code == 200
        if not self.well:
            self._say(
                f"{url} answered with status {answer.status_code}. Please tell us: this is a fault of warn."
            )
            self._daemon.stop("no incident page")
            return
        if self._once:
            self._say(
                f"\nThat was the page, and its incident page answered: {url}\nIt is gone now; without --once it stays."
            )
            self._daemon.stop("once")
        else:
            self._say(
                f"\nThat was the page. What to do about it, made for a phone: {url}\nCtrl-C ends the demo."
            )
        self._say(f"Next, your own brand:\n  {next_line()}")


def next_line() -> str:
    """A command that works in this shell: warn may lie in a virtual environment that is not active."""
    return f'mkdir -p my-rules && {this_command()} rules new --brand "Your Brand" > my-rules/your-brand.yaml'
