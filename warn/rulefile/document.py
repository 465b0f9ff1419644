"""YAML 1.2 to plain data that remembers where each key and value stood.

The tree is built from ruamel's events without recursion, so that a bomb is refused where it begins: aliases,
anchors,
tags, directives, repeated keys, more than 20 levels, more than 256 kB.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from warn.rulefile.problem import Problem, Severity
from warn.rulefile.scalar import plain, unfit

LARGEST_FILE: Final = 256 * 1024
DEEPEST: Final = 20
MOST_PROBLEMS: Final = 100
"""A file with more than this is not mended line by line, and a hostile one must not fill a log."""

Loc = tuple[str | int, ...]
Place = tuple[int, int]
"""Line and column, from 1."""

_LINE = re.compile("\r\n|\r|\n")


@dataclass(slots=True)
class Document:
    """One file: its data, its lines, and the place of every key and value by path."""

    file: str
    lines: list[str]
    data: Any = None
    keys: dict[Loc, Place] = field(default_factory=dict)
    values: dict[Loc, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add(self, place: Place, message: str, *, warning: bool = False) -> None:
        """Note a problem at a place."""
        if len(self.problems) > MOST_PROBLEMS:
            return
        if len(self.problems) == MOST_PROBLEMS:
            message, warning = f"more than {MOST_PROBLEMS} problems; the rest is left out", False
        line, column = place
        source = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        severity: Severity = "warning" if warning else "error"
        self.problems.append(
            Problem(
                file=self.file,
                line=line,
                column=column,
                severity=severity,
                message=_short(message, 500),
                source=source,
            )
        )

    def at(self, loc: Loc, *, key: bool = False) -> Place:
        """The place of a value (or of its key), or of the nearest thing around it that is in the file."""
        while True:
            found = (self.keys.get(loc) if key else None) or self.values.get(loc) or self.keys.get(loc)
            if found or not loc:
                return found or (1, 1)
            loc = loc[:-1]

    @property
    def failed(self) -> bool:
        """Whether there is an error among the problems."""
        return any(p.severity == "error" for p in self.problems)


class _RefusedError(Exception):
    """The file cannot be read any further."""


@dataclass(slots=True)
class _Open:
    """A collection that is still being read; `key` is the key that waits for its value."""

    loc: Loc
    into: dict[str, Any] | list[Any]
    key: str | None = None
    doubled: int = 0


def read(file: str, body: bytes) -> Document:
    """Read a file; what is wrong with it as YAML is in its problems, and then its data may be partial."""
    document = Document(file=file, lines=[])
    if len(body) > LARGEST_FILE:
        document.problems.append(
            Problem(file=file, message=f"larger than {LARGEST_FILE // 1024} kB; split it, one brand a file")
        )
        return document
    text = _decoded(document, body)
    if text is None:
        return document
    document.lines = _LINE.split(text)
    bad = unfit(text)
    if bad:
        document.add(_place_of(text, bad[0]), bad[1])
        return document
    try:
        _Builder(document).build(text)
    except _RefusedError:
        pass
    except MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        document.add(place, f"this is not YAML: {e.problem or e.context or 'it cannot be read'}")
    except YAMLError as e:
        document.add((1, 1), f"this is not YAML: {str(e).splitlines()[0]}")
    return document


def _decoded(document: Document, body: bytes) -> str | None:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        start = 3 if body.startswith(b"\xef\xbb\xbf") else 0
        before = body[: start + e.start].decode("utf-8-sig", "replace")
        document.lines = _LINE.split(body.decode("utf-8-sig", "replace"))
        what = (
            "a lone surrogate" if body[start + e.start] == 0xED else f"the byte 0x{body[start + e.start]:02x}"
        )
        document.add(_place_of(before, len(before)), f"{what} is not UTF-8; save the file as UTF-8")
        return None


def _place_of(text: str, at: int) -> Place:
    lines = _LINE.split(text[:at])
    return len(lines), len(lines[-1]) + 1


class _Builder:
    """Turns events into data and places, one event at a time."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._stack: list[_Open] = []
        self._documents = 0

    def build(self, text: str) -> None:
        yaml = YAML(typ="safe", pure=True)
        for event in yaml.parse(text):
            place = (event.start_mark.line + 1, event.start_mark.column + 1)
            if isinstance(event, DocumentStartEvent):
                self._begin(event, place)
            elif isinstance(event, NodeEvent):
                self._node(event, place)
            elif type(event).__name__ in ("MappingEndEvent", "SequenceEndEvent"):
                self._stack.pop()

    def _refuse(self, place: Place, message: str) -> None:
        self._document.add(place, message)
        raise _RefusedError

    def _begin(self, event: DocumentStartEvent, place: Place) -> None:
        self._documents += 1
        if self._documents > 1:
            self._refuse(
                place, "a second document begins here; one file holds one brand, so begin another file"
            )
        if event.version or event.tags:
            self._refuse(place, "directives (%YAML, %TAG) are not allowed; the file is read as YAML 1.2")

    def _node(self, event: NodeEvent, place: Place) -> None:
        if isinstance(event, AliasEvent):
            self._refuse(place, f"the alias *{event.anchor} is not allowed; write it out")
        if event.anchor is not None:
            self._refuse(place, f"the anchor &{event.anchor} is not allowed; write it out where it is needed")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._refuse(place, f"the tag {tag} is not allowed; quote a text, leave a number bare")
        if isinstance(event, ScalarEvent):
            self._scalar(event, place)
            return
        if len(self._stack) >= DEEPEST:
            self._refuse(place, f"nested deeper than {DEEPEST} levels")
        into: dict[str, Any] | list[Any] = {} if isinstance(event, MappingStartEvent) else []
        assert isinstance(event, MappingStartEvent | SequenceStartEvent)
        loc = self._put(into, place)
        self._stack.append(_Open(loc, into))

    def _scalar(self, event: ScalarEvent, place: Place) -> None:
        text = str(event.value)
        bad = unfit(text)
        if bad:
            self._document.add(place, bad[1])
            text = text.encode("utf-8", "replace").decode()
        top = self._stack[-1] if self._stack else None
        if top is not None and isinstance(top.into, dict) and top.key is None:
            self._key(top, text, place)
            return
        value: Any = text
        if event.implicit[0]:
            try:
                value = plain(text)
            except ValueError as e:
                self._document.add(place, str(e))
        self._put(value, place)

    def _key(self, top: _Open, text: str, place: Place) -> None:
        assert isinstance(top.into, dict)
        if text in top.into:
            first = self._document.keys[(*top.loc, text)][0]
            self._document.add(
                place, f"the key `{_short(text)}` is here twice; it is already in line {first}"
            )
            # Kept under a name that cannot be written, so that what is inside is read and then left aside.
            top.doubled += 1
            text = f"\x00{top.doubled}{text}"
        top.key = text
        self._document.keys[(*top.loc, text)] = place

    def _put(self, value: Any, place: Place) -> Loc:
        """Hang a value into the open collection; gives its path."""
        if not self._stack:
            self._document.data = value
            self._document.values[()] = place
            return ()
        top = self._stack[-1]
        loc: Loc
        if isinstance(top.into, list):
            loc = (*top.loc, len(top.into))
            top.into.append(value)
        elif top.key is None:
            self._refuse(place, "a list or mapping cannot be a key; a key is a text")
        else:
            loc = (*top.loc, top.key)
            if not top.key.startswith("\x00"):
                top.into[top.key] = value
            top.key = None
        self._document.values[loc] = place
        return loc


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[:most] + "…"
