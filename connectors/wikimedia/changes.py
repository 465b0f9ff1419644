"""Changes of Wikimedia's wikis as its stream of recent changes tells them, and which of them are about us."""

import unicodedata
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from warn.ingest.dates import milliseconds
from warn.ingest.text import plain
from warn.model.mention import Item

CANARY: Final = "canary"
"""The domain of events that are made up, so that the stream is never silent."""
_EDITS: Final = ("edit", "new")
_ARTICLE, _TALK = 0, 1
_WIKIPEDIA: Final = ".wikipedia.org"
_MARKS: Final = ("/*", "*/", "[[", "]]", "'''", "''")
MOST_COMMENT: Final = 2_000
_LAST_S: Final = 2**36


class UnreadableError(ValueError):
    """This is no change, or one of ours that cannot be read; the message quotes nothing."""


class Change(Struct, gc=False):
    """As it comes; nothing is sure but the names of its fields."""

    meta: Any = None
    timestamp: Any = None
    type: Any = None
    namespace: Any = None
    title: Any = None
    user: Any = None
    bot: Any = None
    comment: Any = None
    parsedcomment: Any = None
    wiki: Any = None
    revision: Any = None
    server_url: Any = None
    server_name: Any = None
    server_script_path: Any = None

    @property
    def is_canary(self) -> bool:
        """Whether it is made up."""
        return isinstance(self.meta, dict) and self.meta.get("domain") == CANARY

    @property
    def at_ms(self) -> int | None:
        """When it was made: to the millisecond, else to the second."""
        told = milliseconds(self.meta.get("dt")) if isinstance(self.meta, dict) else None
        seconds = self.timestamp
        if told is None and isinstance(seconds, int) and 0 < seconds < _LAST_S:
            return seconds * 1000
        return told


_decode = msgspec.json.Decoder(Change).decode


def read_change(data: str | bytes) -> Change:
    """An event of the stream. Raises UnreadableError."""
    try:
        change = _decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise UnreadableError("no change: no JSON, or no object") from None
    if not isinstance(change.meta, dict):
        raise UnreadableError("no change: it has no meta")
    return change


class Wanted(NamedTuple):
    """Which changes are about us. `articles`: pairs of wiki and title as `title_of` has it; `terms`: as `folded` has
    them; `wikis`: where titles are compared with the terms, all Wikipedias where there are none.
    """

    articles: frozenset[tuple[str, str]]
    terms: tuple[str, ...]
    wikis: frozenset[str] = frozenset()
    bots: bool = False

    def article(self, change: Change) -> str | None:
        """The article of ours that was changed, or talked about on its page; else None."""
        if change.type not in _EDITS or not isinstance(change.title, str) or not isinstance(change.wiki, str):
            return None
        title = change.title
        if change.namespace == _TALK:
            title = title.partition(":")[2]
        title = title_of(title)
        if (change.wiki, title) in self.articles or (change.wiki, title_of(change.title)) in self.articles:
            return title
        if self.terms and change.namespace in (_ARTICLE, _TALK) and self._among(change):
            words = folded(title)
            if any(term in words for term in self.terms):
                return title
        return None

    def _among(self, change: Change) -> bool:
        if self.wikis:
            return change.wiki in self.wikis
        return isinstance(change.server_name, str) and change.server_name.endswith(_WIKIPEDIA)


def item_of(source: str, change: Change, wanted: Wanted) -> Item | None:
    """What it says of us, or None. Raises UnreadableError where it is about us and cannot be read."""
    if change.is_canary or (change.bot is True and not wanted.bots):
        return None
    title = wanted.article(change)
    if title is None:
        return None
    revision = change.revision.get("new") if isinstance(change.revision, dict) else None
    if not isinstance(revision, int) or isinstance(revision, bool):
        raise UnreadableError("revision: no number")
    at_ms = change.at_ms
    if at_ms is None:
        raise UnreadableError("meta.dt: no date")
    said = _comment(change)
    return Item(
        source=source,
        id=f"{change.wiki}:{revision}",
        created_ms=at_ms,
        author=change.user if isinstance(change.user, str) and change.user else None,
        text=f"{title}\n{said}" if said else title,
        url=_url(change, revision),
        lang=_language(change.server_name),
        thread=f"{change.wiki}:{title}",
    )


def title_of(said: str) -> str:
    """A title as all of them are compared: no underscores, a capital at the beginning."""
    title = " ".join(unicodedata.normalize("NFC", said).replace("_", " ").split())
    return title[:1].upper() + title[1:]


def folded(said: str) -> str:
    """Words in lower case with a space around each, so that a term is found as whole words only. What is written without
    spaces has none around it, and is found anywhere.
    """
    text = unicodedata.normalize("NFKC", said).casefold()
    return f" {' '.join(''.join(c if c.isalnum() else ' ' for c in text).split())} "


def terms_of(terms: Iterable[str]) -> tuple[str, ...]:
    """Terms as they are looked for."""
    found = (folded(term) for term in terms)
    return tuple(
        dict.fromkeys(term.strip() if any(map(_unspaced, term)) else term for term in found if term.strip())
    )


def _unspaced(letter: str) -> bool:
    """Whether it belongs to a script that puts no spaces between words."""
    code = ord(letter)
    return 0x0E00 <= code < 0x0F00 or 0x1000 <= code < 0x10A0 or 0x1780 <= code < 0x1800 or (
        0x2E80 <= code < 0xAC00 or 0xF900 <= code < 0xFB00 or code >= 0x20000
    )  # fmt: skip


def _comment(change: Change) -> str:
    """What its writer says of it, as text."""
    if isinstance(change.parsedcomment, str) and change.parsedcomment:
        return plain(change.parsedcomment)[:MOST_COMMENT]
    said = change.comment[:MOST_COMMENT] if isinstance(change.comment, str) else ""
    for mark in _MARKS:
        said = said.replace(mark, " ")
    return " ".join(said.split())


def _url(change: Change, revision: int) -> str | None:
    base, path = change.server_url, change.server_script_path
    if not isinstance(base, str) or not base.startswith(("https://", "http://")) or not isinstance(path, str):
        return None
    return f"{base}{path}/index.php?diff={revision}"


def _language(server: object) -> str | None:
    """Of a Wikipedia: the one that it is written in."""
    if not isinstance(server, str) or not server.endswith(_WIKIPEDIA):
        return None
    code = server.removesuffix(_WIKIPEDIA)
    return code if len(code) == 2 and code.isascii() and code.isalpha() else None
