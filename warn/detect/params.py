"""Parameters of detectors as they come out of a rule file: plain values, and what to say where one is wrong."""

import re
from collections.abc import Iterable
from math import isfinite
from typing import Final

DURATION: Final = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?")


def no_others(params: dict[str, object], allowed: Iterable[str]) -> list[str]:
    """A complaint about each parameter that is not known."""
    known = tuple(allowed)
    listed = ", ".join(f"`{name}`" for name in known) or "none at all"
    return [f"unknown parameter `{name}`; allowed: {listed}" for name in params if name not in known]


def number(name: str, value: object, *, least: float, most: float) -> list[str]:
    """A complaint unless the value is a number in the range; a yes or no is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        return [f"`{name}` must be a number, not {value!r}"]
    if not least <= value <= most:
        return [f"`{name}` must lie between {least:g} and {most:g}, not {value!r}"]
    return []


def truth(name: str, value: object) -> list[str]:
    """A complaint unless the value is true or false."""
    return [] if isinstance(value, bool) else [f"`{name}` must be true or false, not {value!r}"]


def seconds(name: str, value: object, *, least: int, most: int, whole: int) -> tuple[int, list[str]]:
    """Seconds of `1h30m` or of a plain number of seconds, and complaints; 0 with a complaint."""
    found = DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if found:
        amount = sum(int(n) * by for n, by in zip(found.groups(), (3600, 60, 1), strict=True) if n)
    elif isinstance(value, int) and not isinstance(value, bool):
        amount = value
    else:
        return 0, [f"`{name}` must be a duration such as 10m or 1h, not {value!r}"]
    if not least <= amount <= most or amount % whole:
        return 0, [f"`{name}` must be {least} to {most} seconds and a multiple of {whole}, not {value!r}"]
    return amount, []
