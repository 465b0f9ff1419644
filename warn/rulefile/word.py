"""One word as it is written: what kind of term its sign makes it, and whether it can be found at all."""

import re
from typing import Final, Literal

from warn.match.atom import atom_of
from warn.match.fold import fold
from warn.match.pattern import PatternError
from warn.model.rules import Term

Sign = Literal["word", "handle", "hashtag", "cashtag"]

WHY_NEVER: Final = "nothing is left of it once folded, or more than three signs stand between two words of it"

_TAGS: Final[tuple[tuple[Sign, re.Pattern[str]], ...]] = (
    ("handle", re.compile(r"@\w[\w.-]*(@\w[\w.-]*)?")),
    ("hashtag", re.compile(r"#\w+")),
    ("cashtag", re.compile(r"\$[A-Za-z][A-Za-z0-9]{0,9}([._-][A-Za-z0-9]{1,4})?")),
)
_EVERYWHERE: Final = frozenset(
    re.findall(
        r"\S+",
        "a an and are as at be but for have i in is it my not of on or so that the this to was we with you "
        "your "
        "aan dat de die een en er het ik in is je maar met niet of ook op te van voor we zijn",
    )
)


def term(text: str) -> Term:
    """A word, or a handle, hashtag or cashtag by its sign; `$100` and `@ home` are words."""
    for kind, pattern in _TAGS:
        if pattern.fullmatch(text):
            return Term(text, kind)
    return Term(text)


def never_found(one: Term) -> bool:
    """Whether not even a text that is nothing but this word is about it."""
    try:
        atom = atom_of(one)
    except PatternError:
        return True
    text = f" {fold(one.text).strip()} "
    return not any(
        atom.check.at(text, found.start(), found.end()) >= 0
        for literal in atom.literals
        for found in re.finditer(re.escape(literal), text)
    )


def too_broad(text: str) -> str | None:
    """Why a word alone would be found nearly everywhere, or None."""
    folded = fold(text).strip()
    if len(folded) == 1 and ord(folded) < 0x2000:
        return f"`{text}` is a single sign and will be found nearly everywhere"
    return f"`{text}` is in nearly every post" if folded in _EVERYWHERE else None
