"""Regular expressions of users: RE2 only, on folded text, and behind words that must be there.

RE2 is linear whatever is written, but its `\\b` and `\\w` know ASCII only and it cannot be asked of every mention. So a
pattern is read once here: letters are folded as texts are, `\\w`, `\\W`, `\\s`, `\\S` and `\\b` become Unicode classes,
and the words are found of which every match contains one: they go into the automaton, and only a text that has one of
them is shown to RE2. `\\b` stands for one character that is no part of a word, or for the start or end of the text.
"""

from typing import Final, NamedTuple
from unicodedata import normalize

import re2

from warn.match.edge import KINDS, WORD, spaceless
from warn.match.fold import fold

MAX_PATTERN: Final = 500
MAX_MEMORY: Final = 4 << 20
MIN_FACTOR: Final = 3
MAX_FACTORS: Final = 32
_MAX_DEPTH: Final = 40

_CLASSES: Final = {
    "w": r"[\pL\pN\pM_]", "W": r"[^\pL\pN\pM_]", "s": r"[\s\pZ]", "S": r"[^\s\pZ]",
}  # fmt: skip
_IN_CLASS: Final = {"w": r"\pL\pN\pM_", "s": r"\s\pZ"}
_BOUNDARY: Final = r"(?:^|$|[^\pL\pN\pM_])"


class PatternError(ValueError):
    """A pattern, or a topic, that cannot be looked for; the message says why."""


class Pattern(NamedTuple):
    """A compiled pattern and the words of which each match contains one (None: it must be tried on every text)."""

    regex: "re2._Regexp[str]"
    factors: frozenset[str] | None


class _Piece(NamedTuple):
    """A part of a pattern as RE2 gets it. `exact`: all that it matches; `first`, `last`: w, n (no word) or ?."""

    text: str
    exact: str | None = None
    factors: frozenset[str] | None = None
    first: str = "?"
    last: str = "?"
    boundary: bool = False

    @property
    def needs(self) -> frozenset[str] | None:
        return frozenset((self.exact,)) if self.exact else self.factors


def _better(a: frozenset[str] | None, b: frozenset[str] | None) -> frozenset[str] | None:
    """The more telling of two sets of words: its shortest is longer."""
    if a is None or b is None:
        return a or b
    return max(a, b, key=lambda one: (min(map(len, one)), -len(one), sorted(one)))


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self._p = normalize("NFC", pattern)
        self._i = 0
        self._depth = 0

    def whole(self) -> _Piece:
        piece = self._alternatives()
        if self._i < len(self._p):
            raise PatternError("a ) without its (")
        return piece

    def _peek(self) -> str:
        return self._p[self._i : self._i + 1]

    def _alternatives(self) -> _Piece:
        branches = [self._sequence()]
        while self._peek() == "|":
            self._i += 1
            branches.append(self._sequence())
        if len(branches) == 1:
            return branches[0]
        union: frozenset[str] | None = frozenset()
        for one in branches:
            needs = one.needs
            union = None if union is None or needs is None else union | needs
        if union is not None and len(union) > MAX_FACTORS:
            union = None
        return _Piece("|".join(one.text for one in branches), factors=union)

    def _sequence(self) -> _Piece:
        pieces: list[_Piece] = []
        while self._peek() not in ("", "|", ")"):
            pieces.append(self._quantified())
        return _join(pieces)

    def _quantified(self) -> _Piece:
        piece = self._one()
        start = self._i
        at_least_once = True
        while (c := self._peek()) in ("*", "+", "?", "{") and c:
            if c == "{":
                close = self._p.find("}", self._i)
                body = self._p[self._i + 1 : close] if close > 0 else ""
                if not body or not body.replace(",", "").isdigit() or body.startswith(","):
                    break
                at_least_once = at_least_once and int(body.split(",")[0]) > 0
                self._i = close + 1
            else:
                lazy = c == "?" and self._i > start
                at_least_once = at_least_once and (c == "+" or lazy)
                self._i += 1
        if self._i == start:
            return piece
        if piece.boundary:
            raise PatternError("\\b cannot be repeated")
        text = piece.text if piece.exact is None or len(piece.exact) == 1 else f"(?:{piece.text})"
        return _Piece(text + self._p[start : self._i], factors=piece.needs if at_least_once else None)

    def _one(self) -> _Piece:
        c = self._peek()
        self._i += 1
        if c == "(":
            return self._group()
        if c == "[":
            return self._class()
        if c == "\\":
            return self._escape()
        if c in ".^$":
            return _Piece(c)
        return _literal(c)

    def _group(self) -> _Piece:
        head = "("
        if self._peek() == "?":
            end = self._i + 1
            while end < len(self._p) and self._p[end] not in ":>)":
                end += 1
            head += self._p[self._i : end + 1]
            self._i = end + 1
            if head.endswith(")"):
                return _Piece(head)
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise PatternError(f"groups are nested deeper than {_MAX_DEPTH}")
        inner = self._alternatives()
        self._depth -= 1
        if self._peek() != ")":
            raise PatternError("a ( without its )")
        self._i += 1
        return _Piece(f"{head}{inner.text})", factors=inner.needs, first=inner.first, last=inner.last)

    def _escape(self) -> _Piece:
        c = self._peek()
        self._i += 1
        if not c:
            raise PatternError("a \\ at the end")
        if c in _CLASSES:
            kind = {"w": "w", "W": "n", "s": "n"}.get(c, "?")
            return _Piece(_CLASSES[c], first=kind, last=kind)
        if c == "b":
            return _Piece(_BOUNDARY, boundary=True)
        if c in "BQECG":
            raise PatternError(f"\\{c} is not supported")
        if c in "pPx":
            return _Piece(f"\\{c}{self._argument(2 if c == 'x' else 1)}")
        if c.isalnum():
            kind = "w" if c == "d" else "?"
            return _Piece(f"\\{c}", first=kind, last=kind)
        return _literal(c)

    def _argument(self, width: int) -> str:
        """What follows \\p, \\P or \\x: so many characters, or a name in braces."""
        start = self._i
        if self._peek() == "{":
            width = self._p.find("}", start) + 1 - start
            if width <= 0:
                raise PatternError("a { without its }")
        self._i += width
        return self._p[start : self._i]

    def _class(self) -> _Piece:
        """A class in brackets, its letters folded one by one."""
        out = ["["]
        if self._peek() == "^":
            out.append("^")
            self._i += 1
        first = True
        while (c := self._peek()) != "]" or first:
            if not c:
                raise PatternError("a [ without its ]")
            first = False
            self._i += 1
            if c == "\\":
                out.append(self._class_escape())
            elif self._p.startswith("[:", self._i - 1) and (end := self._p.find(":]", self._i)) > 0:
                out.append(self._p[self._i - 1 : end + 2])
                self._i = end + 2
            else:
                folded = fold(c)
                out.append(f"\\{c}" if c == "[" else folded if len(folded) == 1 else c)
        self._i += 1
        return _Piece("".join(out) + "]")

    def _class_escape(self) -> str:
        c = self._peek()
        self._i += 1
        if c in _IN_CLASS:
            return _IN_CLASS[c]
        if c in ("W", "S"):
            raise PatternError(f"\\{c} is not supported inside [ ]")
        if c and c in "pPx":
            return f"\\{c}{self._argument(2 if c == 'x' else 1)}"
        return f"\\{c}"


def _literal(c: str) -> _Piece:
    folded = fold(c)
    kind = "w" if folded and all(KINDS[one] == WORD for one in folded) else "n"
    return _Piece(re2.escape(folded), exact=folded, first=kind, last=kind)


def _join(pieces: list[_Piece]) -> _Piece:
    """One after the other. A `\\b` that the characters around it already make true takes up no room."""
    out: list[str] = []
    run = ""
    best: frozenset[str] | None = None
    for i, piece in enumerate(pieces):
        if piece.boundary:
            around = {pieces[i - 1].last if i else "?", pieces[i + 1].first if i + 1 < len(pieces) else "?"}
            if around == {"w", "n"}:
                continue
        out.append(piece.text)
        if piece.exact is not None:
            run += piece.exact
            continue
        best = _better(_better(best, frozenset((fold(run),)) if run else None), piece.factors)
        run = ""
    text = "".join(out)
    first, last = (pieces[0].first, pieces[-1].last) if pieces else ("?", "?")
    if pieces and all(one.exact is not None for one in pieces):
        return _Piece(text, exact=run, first=first, last=last)
    return _Piece(
        text, factors=_better(best, frozenset((fold(run),)) if run else None), first=first, last=last
    )


def _options() -> re2.Options:
    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.log_errors = False
    options.never_capture = True
    options.dot_nl = True
    return options


def compile_pattern(text: str) -> Pattern:
    """Ready to use. Raises PatternError with what is wrong."""
    if len(text) > MAX_PATTERN:
        raise PatternError(f"a pattern of {len(text)} characters; at most {MAX_PATTERN} are allowed")
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise PatternError("half a surrogate pair is no character")
    piece = _Reader(text).whole()
    if not piece.text:
        raise PatternError("an empty pattern")
    try:
        regex = re2.compile(piece.text, _options())
    except re2.error as e:
        raise PatternError(_reason(e)) from None
    if regex.search(""):
        raise PatternError("it matches an empty text, so it would match everything")
    needs = piece.needs
    if needs is not None and any(len(one) < MIN_FACTOR and not spaceless(one[0]) for one in needs):
        needs = None
    return Pattern(regex, needs)


def _reason(e: Exception) -> str:
    reason = e.args[0] if e.args else ""
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
