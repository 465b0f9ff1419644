"""Word lists by name: those that ship with warn, and those in `lexicons/` folders beside the rules.

A list of one's own replaces the bundled list of the same name, as a whole: what is in force can be read in
one place.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal

from msgspec import Struct
from pydantic import Field

from warn.match.fold import fold
from warn.rulefile.bundled import bundled
from warn.rulefile.document import LARGEST_FILE, Document, read
from warn.rulefile.kinds import Language, Line, Name, Strict
from warn.rulefile.parts import note_mistakes
from warn.rulefile.word import WHY_NEVER, never_found, term

NEGATIVE: Final = "negative"
NOT_ON_INTERNAL: Final = frozenset({"strike", "leak"})
"""Lists that never run on what staff write: warn does not look for strikers or for whoever talked."""


class Words(Strict):
    """One list as it is written."""

    about: Line = Field(description="What the list is for.")
    words: Annotated[dict[Language, Annotated[list[Line], Field(min_length=1)]], Field(min_length=1)] = Field(
        description="The words per language; `emoji` for signs of every language."
    )


class LexiconFile(Strict):
    """A file of word lists."""

    version: Literal[1] = Field(description="Version of this format: 1.")
    lexicons: Annotated[dict[Name, Words], Field(min_length=1)] = Field(description="The lists by name.")


class Lexicon(Struct, frozen=True):
    """One list in force: its words in the order of the file, all languages together."""

    name: str
    words: tuple[str, ...]
    own: bool


@cache
def bundled_lexicons() -> tuple[Mapping[str, Lexicon], tuple[Document, ...]]:
    """The lists that ship with warn, and their documents; they do not change while warn runs."""
    found, documents = lexicons_in(
        sorted(_files(bundled("rules") / "lexicons"), key=lambda f: f.name), own=False
    )
    return MappingProxyType(found), tuple(documents)


def own_lexicons(folders: Iterable[Path]) -> tuple[dict[str, Lexicon], list[Document]]:
    """The lists in these folders, and their documents with what is wrong in them."""
    return lexicons_in(
        [f for folder in sorted(set(folders)) for f in sorted(_files(folder), key=str)], own=True
    )


def _files(folder: Traversable) -> list[Traversable]:
    if not folder.is_dir():
        return []
    return [f for f in folder.iterdir() if f.is_file() and f.name.endswith((".yaml", ".yml"))]


def lexicons_in(files: Iterable[Traversable], *, own: bool) -> tuple[dict[str, Lexicon], list[Document]]:
    """Read word lists; a name that is there twice is a mistake of the second."""
    found: dict[str, Lexicon] = {}
    documents: list[Document] = []
    for file in files:
        with file.open("rb") as f:
            document = read(str(file), f.read(LARGEST_FILE + 1))
        documents.append(document)
        if not document.failed:
            note_mistakes(document, LexiconFile)
        if document.failed:
            continue
        for name, words in LexiconFile.model_validate(document.data).lexicons.items():
            _checked(document, name, words.words)
            if name in found:
                document.add(
                    document.at(("lexicons", name), key=True), f"the lexicon `{name}` is there twice"
                )
            flat = dict.fromkeys(w for language in words.words.values() for w in language)
            found[name] = Lexicon(name, tuple(flat), own)
    return found, documents


def _checked(document: Document, name: str, words: Mapping[str, list[str]]) -> None:
    for language, listed in words.items():
        seen: dict[str, int] = {}
        for i, word in enumerate(listed):
            loc = ("lexicons", name, "words", language, i)
            folded = fold(word).strip()
            if never_found(term(word)):
                document.add(document.at(loc), f"`{word}` can never be found; {WHY_NEVER}")
            elif folded in seen:
                document.add(
                    document.at(loc),
                    f"`{word}` is there twice, as item {seen[folded] + 1} already",
                    warning=True,
                )
            seen.setdefault(folded, i)
