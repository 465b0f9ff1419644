"""The text of a feed to plain entries. Runs in the child: it takes as long as it takes, and is killed if that is too long.

What is refused before any parser sees it: a document type that declares anything (entities are how a kilobyte becomes a
gigabyte, or a file of ours), elements too deep, too many, or of too many attributes.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from html.entities import html5
from typing import Any, Final
from xml.parsers import expat

import fastfeedparser

from warn.ingest.feeds.decode import decode
from warn.ingest.feeds.mend import NAMED, plain_dates, plain_tree
from warn.ingest.text import plain

MOST_DEPTH: Final = 64
MOST_ELEMENTS: Final = 20_000
MOST_ATTRIBUTES: Final = 256
"""Of one element: each costs the parser a look at all before it."""
MOST_ENTRIES: Final = 1_000
MOST_TEXT: Final = 4_000
_MOST_JUNK: Final = 8_192
_MOST_STARTS: Final = 8
_STARTS: Final = re.compile(r"<(?:\?xml|rss|feed|rdf)", re.IGNORECASE)
_ROOT: Final = re.compile(r"<(?:[a-z0-9]{1,20}:)?(?:rss|feed|rdf)[\s:>/]", re.IGNORECASE)
_UNSOUND: Final = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NAMED: Final = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]{1,31};)")
_RSS_09: Final = ("http://my.netscape.com/rdf/simple/0.9/", "http://channel.netscape.com/rdf/simple/0.9/")
_PARSER_SAYS: Final = {
    "Unknown": "it is XML, but no feed",
    "Content appears to be HTML": "it is a web page, no feed",
    "Failed to parse XML": "it is too broken to be read",
    "Invalid RSS feed": "it has no channel",
}
_KEPT: Final = frozenset("<>&\"'")


class HostileError(ValueError):
    """A feed that is not read, and why."""


class UnreadableError(ValueError):
    """What is no feed, or too broken to be read."""


def parse(data: bytes, charset: str = "") -> dict[str, Any]:
    """`{title, language, ttl_min, skip_hours, hubs, left_out, empty, entries}` of plain values. Raises HostileError,
    UnreadableError.
    """
    text = _UNSOUND.sub("", decode(data, charset))
    text = _NAMED.sub(_character, _mended(_root(text)))
    encoded = _declared(text)
    look = Look()
    look.over(encoded)  # before anything that costs more than a look
    mended = plain_tree(encoded) if look.sound else None
    feed = _parsed(_declared(plain_dates(text)) if mended is None else mended)
    entries = [made for one in feed["entries"][:MOST_ENTRIES] if (made := entry(one))]
    return {
        "title": plain(str(feed["feed"].get("title") or ""))[:300],
        "language": look.language,
        "ttl_min": look.ttl_min,
        "skip_hours": sorted(look.skip_hours),
        "hubs": sorted(look.hubs)[:5],
        "left_out": max(0, len(feed["entries"]) - MOST_ENTRIES),
        "empty": min(len(feed["entries"]), MOST_ENTRIES) - len(entries),
        "entries": entries,
    }


def _declared(text: str) -> bytes:
    """With a declaration of ours, and nothing before it: the parser looks for one in whatever else a feed begins with."""
    return b"<?xml version='1.0' encoding='utf-8'?>" + text.encode("utf-8", "replace")


def _parsed(data: bytes) -> Mapping[str, Any]:
    try:
        feed: Mapping[str, Any] = fastfeedparser.parse(
            data, include_tags=False, include_media=False, include_enclosures=False
        )
    except RecursionError:
        raise HostileError("its elements are too deep") from None
    except MemoryError:
        raise HostileError("it takes too much memory") from None
    except Exception as e:  # noqa: BLE001 - whatever a parser makes of what a stranger wrote
        why = next((said for begins, said in _PARSER_SAYS.items() if str(e).startswith(begins)), "")
        raise UnreadableError(why or f"the parser gives up on it ({type(e).__name__})") from None
    return feed


def _root(text: str) -> str:
    """From the first element on that begins a feed; what stands before it, a document type among it, is left out. Raises
    HostileError where that declares anything, UnreadableError where there is no such element.
    """
    if text.lstrip()[:1] in {"{", "["}:
        raise UnreadableError("it is JSON; RSS and Atom are read")
    at = 0
    for _ in range(_MOST_STARTS):
        at = _after_prolog(text, at)
        if _ROOT.match(text, at):
            return text[at:]
        start = _STARTS.search(text, at + 1, _MOST_JUNK)
        if start is None:
            break
        at = start.start()
    raise UnreadableError("it begins like no feed")


def _after_prolog(text: str, at: int) -> int:
    """Where the first element from `at` on begins."""
    while (at := text.find("<", at)) >= 0:
        if text.startswith("<!--", at):
            at = text.find("-->", at)
        elif text.startswith("<?", at):
            at = text.find("?>", at)
        elif text.startswith("<!", at):
            end = text.find(">", at)
            if end < 0 or "[" in text[at:end] or text[at : at + 9].upper() != "<!DOCTYPE":
                raise HostileError("it declares entities, which no feed needs")
            at = end
        else:
            return at
        if at < 0:
            break
    raise UnreadableError("it has no element")


def _mended(text: str) -> str:
    """Dialects that the parser does not know, as the ones that it does: RSS 0.9, Atom and RSS without their shell."""
    end = text.find(">")
    head = text[:end].lower()
    if head.startswith("<feed") and "xmlns" not in head:
        return f'<feed xmlns="http://www.w3.org/2005/Atom"{text[5:]}'
    if "rdf" in head:
        for old in _RSS_09:
            text = text.replace(old, "http://purl.org/rss/1.0/", 1)
        return text
    if head.startswith("<rss") and not head.endswith("/") and "<channel" not in text:
        return f"{text[: end + 1]}<channel>{text[end + 1 :]}"
    return text


def _character(match: "re.Match[str]") -> str:
    """An entity of HTML as the character that it is: XML knows five, and those stay."""
    found = html5.get(match.group(1), "")
    return found if found and found not in _KEPT else match.group(0)


class Look:
    """One look over all elements before they become objects: how many, how deep; and what of the feed's own wishes the
    other parser does not tell.
    """

    def __init__(self) -> None:
        self.ttl_min: int | None = None
        self.language = ""
        self.skip_hours: set[int] = set()
        self.hubs: set[str] = set()
        self.sound = False
        self._depth = self._elements = 0
        self._text: list[str] | None = None

    def over(self, data: bytes) -> None:
        """Raises HostileError. What is not well-formed ends the look: the other parser may still make sense of it."""
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = self._doctype
        parser.buffer_text = True
        try:
            parser.Parse(data, True)
        except expat.ExpatError:
            return
        self.sound = True

    def _doctype(self, *_: object) -> None:
        raise HostileError("it declares entities, which no feed needs")

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MOST_DEPTH:
            raise HostileError(f"its elements are more than {MOST_DEPTH} deep")
        if self._elements > MOST_ELEMENTS:
            raise HostileError(f"it has more than {MOST_ELEMENTS:,} elements")
        if len(attributes) > MOST_ATTRIBUTES:
            raise HostileError(f"it has an element of more than {MOST_ATTRIBUTES} attributes")
        self._text = [] if name in {"ttl", "hour", "language", "dc:language"} else None
        self.language = self.language or attributes.get("xml:lang", "")[:35]
        if name.rpartition(":")[2] == "link" and attributes.get("rel") == "hub":
            self.hubs.add(attributes.get("href", "")[:2_000])

    def _end(self, name: str) -> None:
        self._depth -= 1
        said = "".join(self._text or ()).strip()[:35]
        self._text = None
        if said and name.endswith("language"):
            self.language = said
        if said.isascii() and said.isdigit() and len(said) < 10:
            if name == "ttl" and self.ttl_min is None:
                self.ttl_min = int(said)
            elif name == "hour" and int(said) <= 24:
                self.skip_hours.add(int(said) % 24)

    def _data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)


def entry(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """An entry in plain values; None for one that says nothing."""
    title = plain(str(found.get("title") or ""))[:1_000]
    text = plain(_body(found))[:MOST_TEXT]
    link = str(found.get("link") or "").strip()[:2_048]
    if not title and not text:
        return None
    return {
        "id": str(found.get("id") or "").strip().removeprefix(NAMED)[:2_048],
        "link": link,
        "title": title,
        "text": "" if text == title else text,
        "published_ms": _ms(found.get("published")),
        "updated_ms": _ms(found.get("updated")),
    }


def _body(found: Mapping[str, Any]) -> str:
    """The summary; where there is none, the beginning of the text."""
    said = found.get("summary") or found.get("description")
    if said:
        return str(said)
    for content in found.get("content") or ():
        if isinstance(content, Mapping) and content.get("value"):
            return str(content["value"])
    return ""


def _ms(said: object) -> int | None:
    if not isinstance(said, str) or not said:
        return None
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return None
    try:
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000)
    except (ValueError, OverflowError):
        return None
