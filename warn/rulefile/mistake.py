"""What pydantic found wrong, said in the words of the file: what is wrong, and what is allowed."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from warn.rulefile.document import Loc
from warn.rulefile.kinds import Strict
from warn.rulefile.nearest import listed, nearest


class Mistake(NamedTuple):
    """A mistake at a path of the data; `on_key`: it is the key that is wrong."""

    loc: Loc
    message: str
    on_key: bool = False


def explain(model: type[Strict], data: Any, error: Mapping[str, Any]) -> Mistake:
    """One of pydantic's errors about a model in our words, at a path that exists in the data."""
    loc, missing, on_key = _path(data, error["loc"])
    kind = error["type"]
    if kind == "missing":
        keys = _allowed(model, loc)
        return Mistake(
            loc,
            f"`{missing}` is missing{_about(model, loc, missing)}; keys here are {listed(keys)}",
            bool(loc),
        )
    if kind == "extra_forbidden":
        return Mistake(loc, _unknown_key(model, loc), True)
    say = _SAYINGS.get(kind, _otherwise)
    return Mistake(loc, say(loc, error), on_key)


def _path(data: Any, given: tuple[str | int, ...]) -> tuple[Loc, str, bool]:
    """The path as far as it is in the data, the step that is not, and whether the path names a key itself.

    pydantic puts names of alternatives (`<list>`) and `[key]` between the steps.
    """
    at: list[str | int] = []
    node: Any = data
    last = ""
    for i, step in enumerate(given):
        if step == "[key]" and i == len(given) - 1:
            return tuple(at), "", True
        if _inside(node, step):
            node = node[step]
            at.append(step)
        else:
            last = str(step)
    return tuple(at), last, False


def _inside(node: Any, step: str | int) -> bool:
    if isinstance(node, dict):
        return step in node
    return isinstance(node, list) and isinstance(step, int) and step < len(node)


def _unknown_key(model: type[Strict], loc: Loc) -> str:
    key = str(loc[-1])
    allowed = _allowed(model, loc[:-1])
    guess = nearest(key, allowed)
    home = "" if guess else _home(model, key)
    return f"unknown key `{key[:80]}`{guess}{home}; allowed here: {listed(allowed)}"


def _home(model: type[Strict], key: str) -> str:
    schema = _schema(model)
    where = [name for name, inner in schema.get("$defs", {}).items() if key in inner.get("properties", {})]
    top = key in schema["properties"]
    places = (["the top of the file"] if top else []) + [_PLACES[n] for n in where if n in _PLACES]
    return f"; it belongs in {' or '.join(places)}" if places else ""


_PLACES = {
    "Rule": "a rule (groups: rules:)",
    "Group": "a group (groups:)",
    "Topic": "a topic (topics:)",
    "Channel": "a channel (channels:)",
    "Governance": "`governance` of a channel",
    "Account": "an account (accounts:)",
    "Floor": "`at_least` of a rule",
    "Expect": "`expect` of a rule",
    "Annotations": "`annotations` of a rule",
    "Near": "`near` of a topic",
}


def _named(loc: Loc) -> str:
    """How the value at a path is called in a message."""
    if not loc:
        return "the file"
    if isinstance(loc[-1], int):
        parent = next((str(s) for s in reversed(loc) if isinstance(s, str)), "the list")
        return f"item {loc[-1] + 1} of `{parent[:80]}`"
    return f"`{loc[-1][:80]}`"


def _shown(value: Any) -> str:
    """What stands there, as the writer would name it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`, which is yes or no"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"`{value[:80]}`"
    return "a list" if isinstance(value, list) else "a mapping (key: value)"


def _wants_text(loc: Loc, error: Mapping[str, Any]) -> str:
    value = error["input"]
    quote = (
        f'; quote it: "{str(value).lower() if isinstance(value, bool) else value}"'
        if isinstance(value, bool | int | float)
        else ""
    )
    return f"{_named(loc)} must be a text, not {_shown(value)}{quote}"


def _wants(what: str) -> Callable[[Loc, Mapping[str, Any]], str]:
    return lambda loc, error: f"{_named(loc)} must be {what}, not {_shown(error['input'])}"


def _one_of(loc: Loc, error: Mapping[str, Any]) -> str:
    expected = str(error["ctx"]["expected"])
    words = [w for w in expected.replace(" or ", ", ").replace("'", "").split(", ") if w]
    value = error["input"]
    guess = nearest(value, words) if isinstance(value, str) else ""
    return f"{_named(loc)} cannot be {_shown(value)}{guess}; allowed is {listed(words)}"


def _bound(words: str, key: str) -> Callable[[Loc, Mapping[str, Any]], str]:
    return lambda loc, error: (
        f"{_named(loc)} must be {words} {error['ctx'][key]}, not {_shown(error['input'])}"
    )


def _too_short(loc: Loc, error: Mapping[str, Any]) -> str:
    ctx = error["ctx"]
    if ctx["actual_length"] == 0:
        return f"{_named(loc)} is empty; write at least {ctx['min_length']} item(s) or leave the key out"
    return f"{_named(loc)} needs at least {ctx['min_length']} items, and has {ctx['actual_length']}"


def _too_long(loc: Loc, error: Mapping[str, Any]) -> str:
    ctx = error["ctx"]
    return f"{_named(loc)} takes at most {ctx['max_length']} item(s), and has {ctx['actual_length']}"


def _no_kind(loc: Loc, error: Mapping[str, Any]) -> str:
    value = error["input"]
    plain = "_plain_term" in str(error["ctx"].get("discriminator"))
    kinds = ("phrase", "regex") if plain else ("phrase", "regex", "lexicon")
    if loc and isinstance(loc[-1], str) and not isinstance(value, list):
        if isinstance(value, dict):
            return f"{_named(loc)} must be a list: put [ ] around it, or - before it"
        return f"{_named(loc)} must be a list, even of one: [{value}]"
    if plain and isinstance(value, dict) and "lexicon" in value:
        return f"{_named(loc)}: no lexicon under `all`, for every word of it would have to be in one post; "
        "use `any`"
    guess = nearest(str(next(iter(value), "")), kinds) if isinstance(value, dict) else ""
    allowed = ", ".join(f"{{{k}: ...}}" for k in kinds)
    return f"{_named(loc)} must be a word or one of {allowed}, not {_shown(value)}{guess}"


def _said(loc: Loc, error: Mapping[str, Any]) -> str:
    return f"{_named(loc)}: {error['ctx']['error']}"


def _pattern(loc: Loc, error: Mapping[str, Any]) -> str:
    return f"{_named(loc)}: `{str(error['input'])[:80]}` is no label name; allowed are letters, digits and _"


def _otherwise(loc: Loc, error: Mapping[str, Any]) -> str:
    return f"{_named(loc)}: {error['msg']}"


_SAYINGS: dict[str, Callable[[Loc, Mapping[str, Any]], str]] = {
    "string_type": _wants_text,
    "int_type": _wants("a whole number"),
    "float_type": _wants("a number"),
    "bool_type": _wants("true or false"),
    "list_type": _wants("a list, [...] or lines that begin with -"),
    "dict_type": _wants("a mapping (key: value)"),
    "model_type": _wants("a mapping (key: value)"),
    "literal_error": _one_of,
    "greater_than": _bound("greater than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than_equal": _bound("at most", "le"),
    "string_too_long": lambda loc, e: f"{_named(loc)} is longer than {e['ctx']['max_length']} characters",
    "string_too_short": lambda loc, _: f"{_named(loc)} is empty",
    "string_pattern_mismatch": _pattern,
    "too_short": _too_short,
    "too_long": _too_long,
    "union_tag_not_found": _no_kind,
    "value_error": _said,
}


@cache
def _schema(model: type[Strict]) -> dict[str, Any]:
    return model.model_json_schema(by_alias=True)


def _about(model: type[Strict], loc: Loc, key: str) -> str:
    """What a key is for, from its description."""
    for schema in _schemas(model, loc):
        text = schema.get("properties", {}).get(key, {}).get("description")
        if text:
            return f": {text.rstrip('.')}"
    return ""


def _allowed(model: type[Strict], loc: Loc) -> list[str]:
    """The keys that a mapping at this path may have."""
    return list(dict.fromkeys(k for schema in _schemas(model, loc) for k in schema.get("properties", {})))


def _schemas(model: type[Strict], loc: Loc) -> list[dict[str, Any]]:
    """All schemas that a value at this path may follow."""
    root = _schema(model)
    found = list(_alternatives(root, root))
    for step in loc:
        found = [deeper for schema in found for deeper in _step(root, schema, step)]
    return found


def _step(root: dict[str, Any], schema: dict[str, Any], step: str | int) -> Iterator[dict[str, Any]]:
    if isinstance(step, int):
        inner = schema.get("items")
    else:
        inner = schema.get("properties", {}).get(step) or schema.get("additionalProperties")
    if isinstance(inner, dict):
        yield from _alternatives(root, inner)


def _alternatives(root: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in schema:
        yield from _alternatives(root, root["$defs"][schema["$ref"].rsplit("/", 1)[-1]])
    for key in ("anyOf", "oneOf"):
        for one in schema.get(key, ()):
            yield from _alternatives(root, one)
    yield schema
