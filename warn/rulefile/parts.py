"""A document against the schema: every mistake noted in its place, and all parts that can still be read.

A part with a mistake is read again without the key that holds it, so that what several keys say together is
checked
in the same run: a writer should not mend a file ten times to see ten mistakes.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from warn.rulefile.document import Document, Loc
from warn.rulefile.kinds import Strict
from warn.rulefile.mistake import explain
from warn.rulefile.schema import Account, Channel, RuleFile
from warn.rulefile.schema_rule import Group, Rule
from warn.rulefile.schema_topic import Topic

M = TypeVar("M", bound=Strict)

UNREADABLE: Final = "\ufffe"
"""Stands where a word of a list could not be read; no file can hold it."""


@dataclass(slots=True)
class Parts:
    """What a file says, part by part, with the path of each."""

    document: Document
    head: RuleFile
    channels: list[tuple[Loc, str, Channel]] = field(default_factory=list)
    accounts: list[tuple[Loc, Account]] = field(default_factory=list)
    topics: list[tuple[Loc, str, Topic]] = field(default_factory=list)
    groups: list[tuple[Loc, str]] = field(default_factory=list)
    rules: list[tuple[Loc, Rule]] = field(default_factory=list)
    slow: list[Loc] = field(default_factory=list)
    """Expressions that must be tried on every post."""

    def names(self, key: str) -> list[str]:
        """Names written under a key of the top (`topics`), those that could not be read included."""
        return list(_mapping(self.document.data.get(key)))


def parts(document: Document) -> Parts | None:
    """Check a document against the schema; None where nothing of it can be read."""
    data = document.data
    if document.failed and not isinstance(data, dict):
        return None
    if data is None:
        document.add((1, 1), "the file is empty; it must say at least `version: 1` and `brand: ...`")
        return None
    if not isinstance(data, dict):
        document.add(
            document.at(()), "a rule file is a mapping that begins with `version: 1` and `brand: ...`"
        )
        return None
    note_mistakes(document, RuleFile)
    return _readable(document, data)


def note_mistakes(document: Document, model: type[Strict]) -> None:
    """Note whatever in a document is not as the model wants it."""
    for loc in _nothings(document.data):
        what = f"`{loc[-1]}`" if isinstance(loc[-1], str) else "the -"
        document.add(
            document.at(loc, key=True), f"nothing is written after {what}; leave it out or give it a value"
        )
    try:
        model.model_validate(document.data)
    except ValidationError as e:
        for error in e.errors(include_url=False):
            if error["input"] is not None:
                mistake = explain(model, document.data, error)
                document.add(document.at(mistake.loc, key=mistake.on_key), mistake.message)


def _nothings(data: dict[str, Any]) -> Iterator[Loc]:
    """Keys without a value, and items; the parameters of a detector are the detector's own matter."""
    waiting: list[tuple[Loc, Any]] = [((), data)]
    while waiting:
        loc, node = waiting.pop()
        if loc[:1] == ("groups",) and "detector" in loc:
            continue
        inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for step, value in inside:
            if value is None:
                yield (*loc, step)
            else:
                waiting.append(((*loc, step), value))


def _readable(document: Document, data: dict[str, Any]) -> Parts:
    simple = {k: v for k, v in data.items() if k not in ("channels", "accounts", "topics", "groups")}
    head = _read(RuleFile, {"version": 1, "brand": "?"} | simple) or RuleFile(version=1, brand="?")
    found = Parts(document, head)
    for name, raw in _mapping(data.get("channels")).items():
        if channel := _read(Channel, raw):
            found.channels.append((("channels", name), name, channel))
    for i, raw in enumerate(_list(data.get("accounts"))):
        if account := _read(Account, raw):
            found.accounts.append((("accounts", i), account))
    for name, raw in _mapping(data.get("topics")).items():
        if topic := _topic(raw):
            found.topics.append((("topics", name), name, topic))
    for g, raw in enumerate(_list(data.get("groups"))):
        if isinstance(raw, dict):
            _group(found, ("groups", g), raw)
    return found


def _group(found: Parts, loc: Loc, raw: dict[str, Any]) -> None:
    group = _read(Group, raw | {"rules": [{"alert": "x", "topic": "x"}]})
    if group:
        found.groups.append((loc, group.name))
    for i, one in enumerate(_list(raw.get("rules"))):
        if rule := _read(Rule, one):
            found.rules.append(((*loc, "rules", i), rule))


def _read(model: type[M], raw: Any) -> M | None:
    """A part without the keys that hold mistakes, which are noted already; None where too little is left."""
    if not isinstance(raw, dict):
        return None
    try:
        return model.model_validate(raw)
    except ValidationError as e:
        bad = {error["loc"][0] for error in e.errors() if error["loc"]}
    left = {k: v for k, v in raw.items() if k not in bad}
    try:
        return model.model_validate(left)
    except ValidationError:
        return None


def _topic(raw: Any) -> Topic | None:
    """A topic in which a word that cannot be read leaves the others of its list where they are."""
    if not isinstance(raw, dict):
        return None
    try:
        return Topic.model_validate(raw)
    except ValidationError as e:
        kept = deepcopy(raw)
        for error in e.errors():
            _put_aside(kept, error["loc"])
    return _read(Topic, kept)


def _put_aside(topic: dict[str, Any], loc: Loc) -> None:
    node: Any = topic
    if loc[0] not in ("any", "all", "none"):
        return
    for step in loc:
        if isinstance(node, list) and isinstance(step, int) and step < len(node):
            node[step] = UNREADABLE
            return
        if isinstance(node, dict) and step in node:
            node = node[step]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
