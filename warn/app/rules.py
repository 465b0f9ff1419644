"""Reads the rule files, and reads them again: a bad file never stops detection, the last good set stays.

Nor does it make this process unready: who takes it out of service for that would take the incident pages away too.
The metric `warn_rules_last_reload_successful` and the log say that it has to be mended.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

from watchfiles import awatch

from warn.bus.base import Bus
from warn.detect.registry import build
from warn.incident.route import Route, check_routes
from warn.ingest.inforce import Compile
from warn.model.flow import MENTIONS
from warn.model.hashing import content_hash
from warn.model.records import Parcel
from warn.model.rules import RuleSet
from warn.model.wire import UnknownKindError, UnreadableError, decode_mentions, encode
from warn.rulefile import Loaded, load
from warn.telemetry import events

DEBOUNCE_MS: Final = 1_000
DRY_MENTIONS: Final = 1_000
DRY_PARCELS: Final = 200
_READ: Final = 20
DRY_S: Final = 5.0
"""A rule set that takes longer than this over a thousand mentions would hold up the stream."""


class RuleFiles:
    """The rule files of a folder, and what becomes of them.

    `publish` brings a rule set into force (the supervisor's). `routes`: whom live rules can reach; None: nobody is
    told anyway, so it does not matter.
    """

    def __init__(
        self,
        folder: Path,
        bus: Bus,
        compiles: Compile,
        publish: Callable[[RuleSet], str],
        routes: Sequence[Route] | None,
    ) -> None:
        self.folder = folder
        self._bus = bus
        self._compiles = compiles
        self._publish = publish
        self._routes = routes
        self._turn = asyncio.Lock()
        self.in_force: RuleSet | None = None
        """The newest set that was read well by this process."""

    async def reload(self) -> Sequence[str]:
        """Read, check, compile, try, and bring into force; gives every mistake, none when it is in force."""
        async with self._turn:
            loaded = await asyncio.to_thread(load, [self.folder])
            problems = [p.text() for p in loaded.problems if p.severity == "error"]
            if not loaded.files:
                problems.append(f"write a first one: {first_rule_file(self.folder)}")
            if loaded.ruleset is not None:
                problems += self._unreachable(loaded.ruleset)
                problems += await self._try(loaded.ruleset) if not problems else []
            if problems or loaded.ruleset is None:
                self._refuse(loaded, problems)
                return problems
            self._accept(loaded, loaded.ruleset)
            return ()

    def _accept(self, loaded: Loaded, ruleset: RuleSet) -> None:
        name = self._publish(ruleset)
        self.in_force = ruleset
        events.rules_reloaded(
            name or content_hash(encode(ruleset)),
            files=len(loaded.files),
            rules=len(ruleset.rules),
            now=time.time(),
        )

    def _refuse(self, loaded: Loaded, problems: Sequence[str]) -> None:
        errors = [p for p in loaded.problems if p.severity == "error"]
        first = (
            f"{errors[0].file}:{errors[0].line}:{errors[0].column}"
            if errors
            else problems[0].partition("\n")[0]
        )
        events.rules_refused(len(problems), first=first)

    def _unreachable(self, ruleset: RuleSet) -> list[str]:
        """What keeps live rules from waking anybody."""
        live = sorted({r.brand for r in ruleset.rules if r.mode == "live" and r.severity == "page"})
        if self._routes is None or not live:
            return []
        return [
            f"{self.folder}: the rules of {', '.join(live)} are live, but {wrong} (see notifiers and routes in the "
            "settings, or write `mode: shadow`)"
            for wrong in check_routes(self._routes)
        ]

    async def _try(self, ruleset: RuleSet) -> list[str]:
        """Compile it, make every detector, and match it against the latest mentions."""
        try:
            could_match = await asyncio.to_thread(self._compiles, ruleset)
            for rule in ruleset.rules:
                for signal in rule.watch:
                    build(rule, signal, 0)
        except ValueError as e:
            return [f"{self.folder}: {e}"]
        texts = await self._latest()
        started = time.monotonic()
        await asyncio.to_thread(lambda: [could_match(text) for text in texts])
        seconds = time.monotonic() - started
        if seconds > DRY_S:
            return [
                (
                    f"{self.folder}: matching {len(texts):,} mentions took {seconds:.1f} s, and {DRY_S:.0f} s are allowed; "
                    "look for regular expressions without a literal word"
                )
            ]
        return []

    async def _latest(self) -> list[str]:
        """Texts of the latest mentions on the bus."""
        count = self._bus.partitions(MENTIONS)
        ends = {p: await self._bus.end(MENTIONS, p) for p in range(count)}
        back = max(1, DRY_PARCELS // count)
        reader = await self._bus.follow(MENTIONS, {p: max(0, end - back) for p, end in ends.items()})
        texts: deque[str] = deque(maxlen=DRY_MENTIONS)
        behind = {partition for partition, end in ends.items() if end}
        try:
            # Not until there is nothing more: in a busy stream that could take for ever.
            while behind and (records := await reader.read(_READ, 0.0)):
                texts.extend(chain.from_iterable(_texts(value) for _, _, _, value in records))
                behind -= {
                    partition for partition, position, _, _ in records if position + 1 >= ends[partition]
                }
                await asyncio.sleep(0)
        finally:
            await reader.close()
        return list(texts)

    async def watch(self) -> None:
        """Until cancelled: read again when files change. The folder is watched, since Kubernetes swaps a link in it."""
        if not self.folder.is_dir():
            return
        async for _ in awatch(self.folder, debounce=DEBOUNCE_MS, ignore_permission_denied=True):
            await self.reload()


def first_rule_file(folder: Path) -> str:
    """The command that writes one."""
    return f'mkdir -p {folder} && warn rules new --brand "Your Brand" > {folder}/your-brand.yaml'


def _texts(value: bytes) -> list[str]:
    try:
        record = decode_mentions(value)
    except (UnreadableError, UnknownKindError):
        return []
    return [m.text for m in record.mentions] if isinstance(record, Parcel) else []
