"""The rule sets that clocks name: follows `[config]`, and decodes a body when somebody asks for it by its hash.

A worker never decides by its own disk: what is in force is named by the clock, and what that means lies here. A body
that does not hash to its key, or does not decode, is as good as absent: the worker that needs it waits and alarms.
"""

import asyncio
from collections import OrderedDict
from typing import Final

from warn.bus.base import Bus, Reader
from warn.model.flow import CONFIG
from warn.model.hashing import content_hash
from warn.model.rules import RuleSet
from warn.model.wire import UnreadableError, decode_ruleset
from warn.stages.base import MissingConfigError, Out

DECODED: Final = 8
"""Rule sets kept decoded: those in force, the one before, and those that a re-read names."""
_READ: Final = 20
_WAIT_S: Final = 1.0


def config_record(body: bytes) -> Out:
    """The record that publishes the body of a rule set (msgpack) under its hash."""
    return Out(CONFIG, 0, content_hash(body).encode("ascii"), body)


class RuleSets:
    """Bodies of rule sets by hash. `get` is what stages are given."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._reader: Reader | None = None
        self._bodies: dict[str, bytes] = {}
        self._decoded: OrderedDict[str, RuleSet] = OrderedDict()
        self._arrived = asyncio.Condition()
        self._stopping = False

    async def load(self) -> None:
        """Read all that is there; to be called once, before any worker starts."""
        while await self._take(0.0):
            pass

    async def run(self) -> None:
        """Follow `[config]` until stopped."""
        try:
            while not self._stopping:
                await self._take(_WAIT_S)
        finally:
            await self.close()

    def stop(self) -> None:
        """End `run` within a second."""
        self._stopping = True

    async def close(self) -> None:
        """Follow no further; what is known stays."""
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader.close()

    def get(self, config: str) -> RuleSet:
        """A rule set by its hash. Raises `MissingConfigError`, whose argument is the hash."""
        known = self._decoded.get(config)
        if known is not None:
            self._decoded.move_to_end(config)
            return known
        body = self._bodies.get(config)
        if body is None:
            raise MissingConfigError(config)
        try:
            known = decode_ruleset(body)
        except UnreadableError as e:
            raise MissingConfigError(config) from e
        self._decoded[config] = known
        if len(self._decoded) > DECODED:
            self._decoded.popitem(last=False)
        return known

    @property
    def latest(self) -> RuleSet | None:
        """The one that was published last, in force or not yet; None where there is none that can be read."""
        name = next(reversed(self._bodies), None)
        try:
            return None if name is None else self.get(name)
        except MissingConfigError:
            return None

    async def wait(self, config: str, timeout_s: float) -> bool:
        """Until a body is here, for at most `timeout_s`; whether it is."""
        try:
            async with asyncio.timeout(timeout_s), self._arrived:
                await self._arrived.wait_for(lambda: config in self._bodies)
        except TimeoutError:
            return False
        return True

    async def _take(self, wait_s: float) -> bool:
        if self._reader is None:
            self._reader = await self._bus.follow(CONFIG)
        records = await self._reader.read(_READ, wait_s)
        good = {key.decode("ascii", "replace"): value for _, _, key, value in records}
        good = {name: body for name, body in good.items() if content_hash(body) == name}
        if good:
            async with self._arrived:
                for name, body in good.items():
                    self._bodies.pop(name, None)  # the last one published is the last one here
                    self._bodies[name] = body
                self._arrived.notify_all()
        return bool(records)
