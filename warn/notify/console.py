"""Tells whoever sits at the terminal: for a demo, and to see what a page would say."""

import asyncio
from typing import Literal, TextIO

from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from warn.model.alerts import Delivery
from warn.notify.outline import body, headline, page_link

_STYLES = {"trigger": "bold red", "update": "yellow", "resolve": "green"}
_TITLES = {"trigger": "{}", "update": "update, nobody is woken", "resolve": "over, nobody is woken"}


class ConsoleConfig(BaseModel):
    """Print pages to the terminal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["console"] = "console"
    name: str = Field(default="console", pattern=r"^[a-z0-9_-]{1,40}$")


class ConsoleNotifier:
    """Prints each page once to `stream`; a repeat under the same id is dropped while it is remembered."""

    provider = "console"

    def __init__(self, config: ConsoleConfig, stream: TextIO, *, public_url: str = "") -> None:
        self.name = config.name
        self._public_url = public_url
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._printed: dict[str, None] = {}

    async def notify(self, delivery: Delivery) -> str:
        """Print it. A terminal that is stopped would stop us too, so a thread waits for it."""
        if delivery.delivery in self._printed:
            return ""
        await asyncio.to_thread(self._print, delivery)
        self._printed[delivery.delivery] = None
        if len(self._printed) > 1000:
            del self._printed[next(iter(self._printed))]
        return ""

    def _print(self, delivery: Delivery) -> None:
        head, _, rest = body(delivery, 4000).partition("\n")
        style = _STYLES[delivery.action]
        # Text, never a string: mark-up in a brand or a term stays what it is, characters.
        text = Text.assemble(
            (headline(delivery, 1024) if delivery.maybe_repeated else head, style), "\n", rest
        )
        if link := page_link(self._public_url, delivery.event.incident):
            text.append(f"\n{link}")
        self._console.print(
            Panel(
                text,
                border_style=style,
                title=_TITLES[delivery.action].format(delivery.event.severity),
                title_align="left",
            )
        )

    async def close(self) -> None:
        """The stream belongs to whoever gave it."""
