"""The dead man's switch: outside monitors hear from us as long as warn hears and can page, and ring when they do not.

A monitor is told right after a canary has come through all of warn, and at no other time: whatever stops canaries stops
this. Nobody is told of a canary that took longer than three minutes: a warn so late is as good as deaf.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from warn.model.errors import TemporaryError, WarnError
from warn.notify.http import Http
from warn.telemetry import events

FRESH_S: Final = 180
DEADLINE_S: Final = 10.0
TRIES: Final = 3
_WAITS_S: Final = (1.0, 2.0)

Ask = Callable[[str], Awaitable[object]]
"""Gets an address within ten seconds. Raises WarnError."""


class Heartbeat:
    """`urls` are secrets: whoever knows one can keep its monitor quiet. `every_s`: of the canaries, one a minute, those
    in between are left out. `inside`: `host:port` of monitors on our own network. `ask`: by default an HTTP client of its own
    for each.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        every_s: float = 60.0,
        inside: Sequence[str] = (),
        wall: Callable[[], float] = time.time,
        ask: Ask | None = None,
    ) -> None:
        self._urls = urls
        self._every_s = every_s
        self._wall = wall
        numbers = () if ask else range(1, len(urls) + 1)
        self._clients = [Http(f"monitor {n}", deadline_s=DEADLINE_S, inside=inside) for n in numbers]
        self._asks: Sequence[Ask] = [ask for _ in urls] if ask else [one.get for one in self._clients]
        self._minute = self._told = 0
        self._come = asyncio.Event()

    def beat(self, minute: int) -> None:
        """The canary of this minute has come through everything."""
        events.canary_came_through(minute)
        if minute > self._minute:
            self._minute = minute
            self._come.set()

    async def run(self) -> None:
        """Until cancelled: tell all monitors, never one of them twice at once."""
        while True:
            await self._come.wait()
            self._come.clear()
            minute = self._minute
            if self._wall() - minute > FRESH_S or minute - self._told < self._every_s:
                continue
            self._told = minute
            async with asyncio.TaskGroup() as group:
                for number, (ask, url) in enumerate(zip(self._asks, self._urls, strict=True), 1):
                    group.create_task(self._tell(number, ask, url))

    async def _tell(self, number: int, ask: Ask, url: str) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                async with asyncio.timeout(DEADLINE_S):
                    await ask(url)
            except (WarnError, TimeoutError) as e:
                # What a person has to mend is tried again with the next canary.
                if attempt == TRIES or not isinstance(e, TemporaryError | TimeoutError):
                    events.heartbeat_failed(number, e)
                    return
                await asyncio.sleep(_WAITS_S[attempt - 1])
            else:
                events.heartbeat_told(number, self._wall())
                return

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients:
            await client.close()
