"""The terminal that somebody watches: a table that stays in place, lines elsewhere, and the command that they typed."""

import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TextIO, cast

from rich.console import Console, RenderableType
from rich.live import Live

Draw = Callable[[RenderableType, Sequence[str]], None]
"""What to show where somebody watches, and the same in sentences."""


class _Terminal:
    """Standard output (or error) as it is now: while a live table is shown, it is another one."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _stream(self) -> TextIO:
        return cast("TextIO", getattr(sys, self._name))

    def write(self, text: str) -> int:
        return self._stream().write(text)

    def flush(self) -> None:
        self._stream().flush()

    def isatty(self) -> bool:
        return self._stream().isatty()

    @property
    def encoding(self) -> str:
        return self._stream().encoding


def terminal(*, stderr: bool = False) -> TextIO:
    """Standard output, or standard error, whatever it is at the time."""
    return cast("TextIO", _Terminal("stderr" if stderr else "stdout"))


def json_line(found: Mapping[str, Any]) -> bool:
    """One JSON object on a line of standard output, at once; False where nobody reads it any more."""
    try:
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer would be tried, and complained about, once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


@asynccontextmanager
async def screen(every_s: float) -> AsyncIterator[Draw]:
    """A live table where somebody watches and the terminal can move its cursor; elsewhere the sentences on standard
    error, every so many seconds.
    """
    console = Console()
    if console.is_terminal and not console.is_dumb_terminal:
        with Live("", auto_refresh=False, transient=True) as live:
            yield lambda shown, _: live.update(shown, refresh=True)
        return
    next_at = time.monotonic()

    def draw(_: RenderableType, sentences: Sequence[str]) -> None:
        nonlocal next_at
        if sentences and time.monotonic() >= next_at:
            next_at += every_s
            for sentence in sentences:
                sys.stderr.write(f"{time.strftime('%H:%M:%S')}  {sentence}\n")

    yield draw


def this_command() -> str:
    """How warn was called, in a form that works in this shell: it may lie in an environment that is not active."""
    called = Path(sys.argv[0])
    if called.name != "warn":
        return f"{shlex.quote(sys.executable)} -m warn"
    found = shutil.which("warn")
    if found and Path(found).resolve() == called.resolve():
        return "warn"
    here = Path.cwd()
    near = called.absolute().is_relative_to(here)
    return shlex.quote(str(called.absolute().relative_to(here) if near else called))
