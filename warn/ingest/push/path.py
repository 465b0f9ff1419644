"""Paths into JSON: `data.text`, `entry[].changes[]`, `items[0].id`, `/event.channel` from the top, `^.id` one element up.

A step into what is not there gives None, as does a null.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

MOST_STEPS: Final = 16
MOST_CHARACTERS: Final = 300
TOP: Final = -1

Step = str | int | None
"""A key, a place in a list, or None: each of a list."""

Chain = tuple[Any, ...]
"""The whole body, the elements around this one, and this one last."""


class Path(NamedTuple):
    """`up`: how many elements further out it starts; `TOP`: at the whole body."""

    up: int
    steps: tuple[Step, ...]


def path_of(text: object, *, each: bool = False) -> Path:
    """The path that settings write. `each`: it may go through all of a list. Raises ValueError."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError("a path is text, such as data.text")
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"a path of more than {MOST_CHARACTERS} characters")
    rest, up = text.strip(), 0
    if rest.startswith("/"):
        rest, up = rest[1:], TOP
    else:
        up = len(rest) - len(rest.lstrip("^"))
        rest = rest[up:].removeprefix(".") if up else rest
    steps = [step for part in rest.split(".") for step in _steps(text, part)] if rest not in {"", "$"} else []
    if len(steps) > MOST_STEPS:
        raise ValueError(f"path {text!r} has more than {MOST_STEPS} steps")
    if not each and None in steps:
        raise ValueError(f"path {text!r}: [] goes through a list, which only `each` does; a place is [0]")
    return Path(up, tuple(steps))


def _steps(text: str, part: str) -> Iterator[Step]:
    key, bracket, more = part.partition("[")
    if key:
        yield key
    elif not bracket:
        raise ValueError(f"path {text!r} has an empty step")
    while bracket:
        inside, closed, more = more.partition("]")
        if not closed or (inside and not (inside.isascii() and inside.isdigit() and len(inside) < 5)):
            raise ValueError(f"path {text!r}: in brackets stands nothing, or a place such as [0]")
        yield int(inside) if inside else None
        before, bracket, more = more.partition("[")
        if before:
            raise ValueError(f"path {text!r}: a dot is missing after ]")


def look(path: Path, chain: Chain) -> Any:
    """What stands there, None where nothing does."""
    value = _start(path, chain)
    for step in path.steps:
        value = _next(value, step)
        if value is None:
            return None
    return value


def walk(path: Path, chain: Chain, most: int) -> Iterator[Chain]:
    """All elements that an `each` path goes through, at most so many, each behind the lists' elements it stands in."""
    left = most
    for found in _walk(_start(path, chain), path.steps, chain):
        yield found
        left -= 1
        if left <= 0:
            return


def _walk(value: Any, steps: tuple[Step, ...], chain: Chain) -> Iterator[Chain]:
    for number, step in enumerate(steps):
        if step is None:
            rest = steps[number + 1 :]
            # Where a service sends one thing or several, one alone is as good as a list of one.
            for one in value if isinstance(value, list) else [value] if isinstance(value, dict) else ():
                # What stands in a list is an element, which paths can climb up to.
                yield from _walk(one, rest, (*chain, one))
            return
        value = _next(value, step)
        if value is None:
            return
    yield chain if chain[-1] is value else (*chain, value)


def _start(path: Path, chain: Chain) -> Any:
    if path.up == TOP:
        return chain[0]
    return chain[-1 - path.up] if path.up < len(chain) else None


def _next(value: Any, step: Step) -> Any:
    if isinstance(step, str):
        return value.get(step) if isinstance(value, dict) else None
    if isinstance(value, list) and step is not None and step < len(value):
        return value[step]
    return None
