"""What GDELT answers, read: articles as JSON that may be broken in places, or a sentence that says no."""

import json
from datetime import UTC, datetime
from html import unescape
from typing import Final, NamedTuple

from warn.ingest.connector import Refused
from warn.ingest.loose import loose_json
from warn.ingest.outbound import Answer
from warn.model.errors import Reason, TemporaryError
from warn.model.mention import Item

PLACE: Final = "gdelt"
PAYLOAD: Final = 4_096

_TABLE: Final = b"globaleventid"
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
    """Raises InvalidQueryError where it says in words that it does not take the query (with status 200), TemporaryError
    for what cannot be read.
    """
    if not answer.headers.get("content-type", "").startswith("text/html"):
        return read_articles(answer.body, source)
    said = answer.body.lstrip()[:PAYLOAD]
    if b"limit requests" in said.lower():
        raise TemporaryError(f"{PLACE}: too many requests", reason=Reason.RATE_LIMITED, retry_after_s=60.0)
    if said.startswith(b"<"):
        raise TemporaryError(f"{PLACE}: it answers with a page for people", reason=Reason.MALFORMED)
    if said.startswith(b"{"):
        return read_articles(answer.body, source)
    raise InvalidQueryError


def read_articles(body: bytes, source: str) -> Page:
    """The articles of an answer in JSON. Raises TemporaryError where nothing of it can be read."""
    if body.lstrip(b"\xef\xbb\xbf \r\n\t")[: len(_TABLE)].lower() == _TABLE:
        why = "a table of events of GDELT: it has addresses, and no headline that a topic could match; use artlist"
        return Page(refused=(Refused(PLACE, why, body[:PAYLOAD]),), entries=1)
    said = loose_json(PLACE, body) if body.strip() else {}
    entries = said.get("articles", []) if isinstance(said, dict) else None
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
    url, title = entry.get("url"), entry.get("title")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return "url: none of the web"
    if not isinstance(title, str) or not title.strip():
        return "title: none"
    try:
        when = datetime.strptime(str(entry.get("seendate")), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        seen = int(when.timestamp())
    except (ValueError, OverflowError):
        return "seendate: no date"
    domain = entry.get("domain")
    return Item(
        source=source,
        id=url,
        created_ms=seen * 1000,
        kind="article",
        dated_by="seen",
        author=domain if isinstance(domain, str) and domain else None,
        text=" ".join(unescape(title).split()),
        url=url,
        lang=_LANGUAGES.get(str(entry.get("language")).lower()),
    )


def _raw(entry: object) -> bytes:
    return json.dumps(entry).encode()[:PAYLOAD]
