"""What GDELT answers, read: articles as JSON that may be broken in places, or a sentence that says no."""

import json
import re
from datetime import UTC, datetime
from html import unescape
from typing import Final, NamedTuple

from warn.ingest.connector import Refused
from warn.ingest.dates import milliseconds, since_epoch
from warn.ingest.links import canonical
from warn.ingest.loose import loose_json
from warn.ingest.outbound import Answer
from warn.model.errors import Reason, TemporaryError
from warn.model.mention import Item

PLACE: Final = "gdelt"
PAYLOAD: Final = 4_096

_TABLE: Final = re.compile(rb"(?i)globaleventid|\d{6,12}\t\d{8}|\"?url\"?[,\t]")
_SPACE: Final = b"\xef\xbb\xbf \r\n\t"
_OF_QUERY: Final = re.compile(rb"(?i)query|keyword|phrase|search|parenthes|too (?:short|long|common)")
_LANGUAGES: Final = {
    "arabic": "ar", "bulgarian": "bg", "catalan": "ca", "chinese": "zh", "croatian": "hr", "czech": "cs",
    "danish": "da", "dutch": "nl", "english": "en", "estonian": "et", "finnish": "fi", "french": "fr",
    "german": "de", "greek": "el", "hebrew": "he", "hindi": "hi", "hungarian": "hu", "indonesian": "id",
    "italian": "it", "japanese": "ja", "korean": "ko", "latvian": "lv", "lithuanian": "lt", "norwegian": "no",
    "persian": "fa", "polish": "pl", "portuguese": "pt", "romanian": "ro", "russian": "ru", "serbian": "sr",
    "slovak": "sk", "slovenian": "sl", "spanish": "es", "swedish": "sv", "thai": "th", "turkish": "tr",
    "ukrainian": "uk", "vietnamese": "vi",
}  # fmt: skip


class InvalidQueryError(Exception):
    """GDELT does not take this query."""


class Page(NamedTuple):
    """What an answer holds. `entries`: how many, readable or not; `oldest`: seconds, 0 where none can be read."""

    items: tuple[Item, ...] = ()
    refused: tuple[Refused, ...] = ()
    entries: int = 0
    oldest: int = 0


def read_answer(answer: Answer, source: str) -> Page:
    """Raises InvalidQueryError where it says in words that it does not take the query (with status 200, and whatever it
    calls the type of its answer), TemporaryError for what cannot be read.
    """
    said = answer.body.lstrip(_SPACE)[:PAYLOAD]
    if not said or said.startswith((b"{", b"[")) or _TABLE.match(said):
        return read_articles(answer.body, source)
    if b"limit requests" in said.lower():
        raise TemporaryError(f"{PLACE}: too many requests", reason=Reason.RATE_LIMITED, retry_after_s=60.0)
    if said.startswith(b"<"):
        raise TemporaryError(f"{PLACE}: it answers with a page for people", reason=Reason.MALFORMED)
    if _OF_QUERY.search(said):
        raise InvalidQueryError
    # A fault of its own is no reason to ask for a term never again.
    raise TemporaryError(f"{PLACE}: it answers in words that are not about the query", reason=Reason.SERVER)


def read_articles(body: bytes, source: str) -> Page:
    """The articles of an answer in JSON. Raises TemporaryError where nothing of it can be read."""
    if _TABLE.match(body.lstrip(_SPACE)[:PAYLOAD]):
        why = "a table of GDELT: it has addresses, and no headline that a topic could match; use artlist as JSON"
        return Page(refused=(Refused(PLACE, why, body[:PAYLOAD]),), entries=1)
    said = loose_json(PLACE, body) if body.strip() else {}
    if isinstance(said, dict) and said and "articles" not in said:
        raise TemporaryError(
            f"{PLACE}: its answer holds no articles, but something of another kind, such as a time line",
            reason=Reason.MALFORMED,
        )
    entries = (said.get("articles") or []) if isinstance(said, dict) else None
    if not isinstance(entries, list):
        raise TemporaryError(f"{PLACE}: its answer holds no articles", reason=Reason.MALFORMED)
    items: list[Item] = []
    refused: list[Refused] = []
    for number, entry in enumerate(entries, 1):
        found = _article(entry, source)
        if isinstance(found, Item):
            items.append(found)
        else:
            refused.append(Refused(f"{PLACE}, article {number}", found, _raw(entry)))
    oldest = min((item.created_ms // 1000 for item in items), default=0)
    return Page(tuple(items), tuple(refused), len(entries), oldest)


def _article(entry: object, source: str) -> Item | str:
    """The item, or what is wrong with the entry."""
    if not isinstance(entry, dict):
        return "no article"
    title, url = entry.get("title"), entry.get("url")
    link = canonical("", url) if isinstance(url, str) else ""
    if not link:
        return "url: none of the web"
    if not isinstance(title, str) or not title.strip():
        return "title: none"
    seen = _when(entry.get("seendate"))
    if seen is None:
        return "seendate: no date"
    domain = entry.get("domain")
    return Item(
        source=source,
        id=link,
        created_ms=seen,
        kind="article",
        dated_by="seen",
        author=domain if isinstance(domain, str) and domain else None,
        text=" ".join(unescape(title).split()),
        url=link,
        lang=_LANGUAGES.get(str(entry.get("language")).lower()),
    )


def _when(said: object) -> int | None:
    """Milliseconds; GDELT writes 20260102T030405Z, and its tables the same without letters."""
    if isinstance(said, str) and len(said) == 14 and said.isascii() and said.isdecimal():
        try:
            return since_epoch(datetime.strptime(said, "%Y%m%d%H%M%S").replace(tzinfo=UTC))
        except ValueError:
            return None
    return milliseconds(said)


def _raw(entry: object) -> bytes:
    return json.dumps(entry).encode()[:PAYLOAD]
