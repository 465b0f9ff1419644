"""What a field of a mention is to be, as a mapping writes it, and what it comes to for one element.

    data.text                                     a path
    [data.text, data.title]                       the first of them that is there
    {const: comment}                              always this
    {path: data.date, as: unix_ms}                a path, and how to read what stands there
    {path: verb, map: {add: comment}, default: x} one word for another
    {path: retweet.id, then: repost}              this word, where there is something
    {path: body, html: true}                      what a reader sees of HTML; `slack: true`: of Slack's marks
    {join: [channel, ts], with: ":"}              several, if all are there
    {find: refs, where: type, is: {const: quoted}, take: id}    of the element of a list that fits
    {arrival: true}                               when the call came in
    {setting: topic}                              what the connector's settings say

No expression is evaluated anywhere; each does a bounded amount of work.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from warn.ingest.push.path import Chain, Path, look, path_of
from warn.ingest.push.times import FORMS, Moment, moment
from warn.ingest.text import plain

MOST_NESTED: Final = 4
MOST_OF: Final = 32
"""Alternatives, pieces of a join."""
MOST_SEARCHED: Final = 256
MOST_TEXT: Final = 100_000
"""Characters; the door keeps fewer."""
_SHAPES: Final = ("map", "then", "as", "html", "slack", "prefix", "default")
_MAIN: Final = ("path", "const", "join", "find", "arrival", "setting")
_BESIDES: Final = {"join": ("with",), "find": ("where", "is", "take")}
_ANGLED: Final = re.compile(r"<([^<>]*)>")


class Context(NamedTuple):
    """One element: where it stands, when the call came, and what the settings say."""

    chain: Chain
    at: float
    settings: Mapping[str, str] = MappingProxyType({})


Value = Callable[[Context], Any]
"""None where it is not there."""

Step = Callable[[Any], Any]
"""What is done to what is there."""


def value_of(raw: object, nested: int = 0) -> Value:
    """What settings write, ready for use. Raises ValueError."""
    if callable(raw):
        return raw
    if nested > MOST_NESTED:
        raise ValueError(f"nested more than {MOST_NESTED} deep")
    if isinstance(raw, str):
        return _path(path_of(raw))
    if isinstance(raw, list | tuple):
        return _first(_several(raw, nested, "a list of alternatives"))
    if isinstance(raw, Mapping):
        return _shaped(raw, nested)
    raise ValueError(f"a path, a list of paths, or a mapping with one of {', '.join(_MAIN)}")


def is_scalar(value: object) -> bool:
    """Whether this is text, a number or a truth, and not too long."""
    return isinstance(value, int | float | bool) or (isinstance(value, str) and len(value) <= 1_000)


def text_of(value: Any) -> str | None:
    """As text; None for what is no text, number or truth."""
    if isinstance(value, str):
        return value[:MOST_TEXT]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else str(value)
    if isinstance(value, int) and abs(value) < 10**40:
        return str(value)
    return None


def _several(raw: object, nested: int, what: str) -> list[Value]:
    if not isinstance(raw, list | tuple) or not 0 < len(raw) <= MOST_OF:
        raise ValueError(f"{what} has 1 to {MOST_OF} values")
    return [value_of(one, nested + 1) for one in raw]


def _path(path: Path) -> Value:
    return lambda context: look(path, context.chain)


def _first(values: list[Value]) -> Value:
    def first(context: Context) -> Any:
        for value in values:
            found = value(context)
            if found is not None and found != "":
                return found
        return None

    return first


def _shaped(raw: Mapping[Any, Any], nested: int) -> Value:
    main = [key for key in raw if key in _MAIN]
    if len(main) != 1:
        raise ValueError(f"exactly one of {', '.join(_MAIN)} belongs here")
    allowed = (main[0], *_BESIDES.get(main[0], ()), *_SHAPES)
    if unknown := [str(key) for key in raw if key not in allowed]:
        raise ValueError(f"there is no `{unknown[0][:40]}` here; there are: {', '.join(allowed)}")
    return _after(_made(main[0], raw, nested), raw)


def _made(main: str, raw: Mapping[Any, Any], nested: int) -> Value:
    one = raw[main]
    if main == "path":
        return value_of(one, nested + 1)
    if main == "const":
        if not is_scalar(one):
            raise ValueError("const: text, a number or a truth")
        return lambda _: one
    if main == "arrival":
        if one is not True:
            raise ValueError("arrival: true, or nothing")
        return lambda context: Moment(int(context.at * 1000), arrival=True)
    if main == "setting":
        if not isinstance(one, str):
            raise ValueError("setting: the name of one, such as topic")
        return lambda context: context.settings.get(one) or None
    if main == "join":
        return _join(_several(one, nested, "join"), raw.get("with", ""))
    return _find(raw, nested)


def _join(values: list[Value], between: object) -> Value:
    if not isinstance(between, str):
        raise ValueError("with: text that stands between")  # noqa: TRY004 - pydantic tells ValueErrors with their place

    def join(context: Context) -> str | None:
        parts = [text_of(value(context)) for value in values]
        told = [part for part in parts if part]
        return between.join(told) if len(told) == len(parts) else None

    return join


def _find(raw: Mapping[Any, Any], nested: int) -> Value:
    if missing := [key for key in ("where", "is", "take") if key not in raw]:
        raise ValueError(f"find: `{missing[0]}` is missing")
    among, where, take = path_of(raw["find"]), path_of(raw["where"]), path_of(raw["take"])
    wanted = value_of(raw["is"], nested + 1)

    def find(context: Context) -> Any:
        rows, what = look(among, context.chain), text_of(wanted(context))
        if not isinstance(rows, list) or what is None:
            return None
        for row in rows[:MOST_SEARCHED]:
            if text_of(look(where, (row,))) == what:
                return look(take, (row,))
        return None

    return find


def _after(value: Value, raw: Mapping[Any, Any]) -> Value:
    """With what is done to it afterwards, in the order in which it is listed there."""
    steps = [make(raw[key]) for key, make in _STEPS.items() if key in raw]
    default = raw.get("default")
    if default is not None and not is_scalar(default):
        raise ValueError("default: text, a number or a truth")

    def after(context: Context) -> Any:
        found = value(context)
        for step in steps:
            if found is None:
                break
            found = step(found)
        return default if found is None else found

    return after


def _mapped(table: object) -> Step:
    if not isinstance(table, Mapping) or not 0 < len(table) <= 200:
        raise ValueError("map: from each word to another")
    words = {text_of(key): value for key, value in table.items()}
    if not all(is_scalar(value) for value in words.values()):
        raise ValueError("map: from words to words")
    return lambda found: words.get(text_of(found))


def _then(word: object) -> Step:
    if not is_scalar(word):
        raise ValueError("then: what it is to be where the rest is there")
    return lambda _: word


def _timed(form: object) -> Step:
    if not isinstance(form, str) or form not in FORMS:
        raise ValueError(f"as: one of {', '.join(FORMS)}")
    return lambda found: moment(found, form)


def _read(html: object) -> Step:
    if not isinstance(html, bool):
        raise ValueError("html: true or false")  # noqa: TRY004 - pydantic tells ValueErrors with their place
    return lambda found: plain(found) if html and isinstance(found, str) else found


def _unmarked(slack: object) -> Step:
    if not isinstance(slack, bool):
        raise ValueError("slack: true or false")  # noqa: TRY004 - as above

    def unmarked(found: Any) -> Any:
        if not slack or not isinstance(found, str):
            return found
        bare = _ANGLED.sub(_bare, found[:MOST_TEXT])
        return bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()

    return unmarked


def _bare(found: re.Match[str]) -> str:
    """What Slack puts between angles: of people nothing, of links what is shown of them, or else themselves."""
    target, _, label = found.group(1).partition("|")
    return "" if target.startswith(("@", "!", "mailto:")) else label or target


def _prefixed(prefix: object) -> Step:
    if not isinstance(prefix, str):
        raise ValueError("prefix: text that is put in front")  # noqa: TRY004 - as above
    return lambda found: None if (text := text_of(found)) is None else prefix + text


_STEPS: Final[Mapping[str, Callable[[object], Step]]] = {
    "map": _mapped,
    "then": _then,
    "as": _timed,
    "html": _read,
    "slack": _unmarked,
    "prefix": _prefixed,
}
