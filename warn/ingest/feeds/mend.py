"""What a feed says, said so that the parser cannot take it for something else. Runs in the child.

The parser takes the first `title` of an item whosever it is (that of a picture, of a podcast), sees no text where it is
written as elements, knows no `xml:base`, and makes a date of nearly anything, a bare number that is an id among it.
"""

import re
from typing import Final
from urllib.parse import urljoin

from lxml import etree

from warn.ingest.feeds.dated import MOST, moment

_DATES: Final = frozenset(
    {"pubdate", "published", "issued", "date", "lastbuilddate", "updated", "modified", "created"}
)
_DATE: Final = re.compile(
    rf"(<(?:[\w.-]{{1,20}}:)?(?:{'|'.join(sorted(_DATES))})(?:\s[^<>]*)?>)"
    rf"([^<>]{{0,{4 * MOST}}}|\s{{0,9}}<!\[CDATA\[[^<>]{{0,{4 * MOST}}}\]\]>\s{{0,9}})(?=</)",
    re.IGNORECASE,
)
_LINES: Final = re.compile(r"<!\[CDATA\[|\]\]>")
_GUID: Final = re.compile(
    r"(<guid(?:\s[^<>]*)?>\s*(?:<!\[CDATA\[\s*)?)(?=[^\s</])(?!https?://)", re.IGNORECASE
)
NAMED: Final = "id "
"""Stands before an id that is no address, so that it is no date."""
_WRITTEN: Final = frozenset({"title", "summary", "content", "description", "encoded"})
_ENTRIES: Final = ("{*}item", "{*}entry")
_RSS_1: Final = "{http://purl.org/rss/1.0/"
_ENCODED: Final = "{http://purl.org/rss/1.0/modules/content/}encoded"
_XHTML: Final = "{http://www.w3.org/1999/xhtml}"


def plain_dates(text: str) -> str:
    """A broken feed with its dates as ISO 8601, or none, and with ids that are no addresses marked as what they are."""
    return _GUID.sub(rf"\g<1>{NAMED}", _DATE.sub(_found, text))


def _found(found: re.Match[str]) -> str:
    return f"{found[1]}{_date(_LINES.sub('', found[2]))}"


def _date(said: str) -> str:
    when = moment(said)
    return when.isoformat() if when is not None else ""


def plain_tree(data: bytes) -> bytes | None:
    """A well-formed feed in which every entry has dates and ids as `plain_dates` has them, texts as text, its own elements
    before those of others, and whole links. None for one that is not well-formed.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return None
    based = b"xml:base" in data  # asking each link costs a walk up to the root
    for one in root.iter(*_ENTRIES):
        _mend(one, based)
    told: bytes = etree.tostring(root, encoding="utf-8")
    return b"<?xml version='1.0' encoding='utf-8'?>" + told


def _mend(entry: etree._Element, based: bool) -> None:
    """One entry. What comes first of a name is what the parser takes."""
    space = entry.tag.rpartition("}")[0]
    own: list[etree._Element] = []
    others: list[etree._Element] = []
    text: etree._Element | None = None
    for one in entry.iterchildren(etree.Element):
        within, _, name = one.tag.rpartition("}")
        (own if within == space else others).append(one)
        if one.tag == _ENCODED:
            text = one
        if name in _WRITTEN:
            if len(one):
                _flatten(one)
        elif name == "link":
            if based:
                _whole(one)
        elif name.lower() in _DATES:
            one.text = _date(one.text or "") if not len(one) else ""
        elif one.tag.lower() == "guid":
            _mark(one)
    if text is not None and space == _RSS_1 and not any(one.tag == f"{space}}}description" for one in own):
        text.tag = f"{space}}}description"  # of RSS 1.0 the parser reads no other text
        others.remove(text)
        own.append(text)
    if own and others:
        entry[:] = [*own, *others]


def _mark(guid: etree._Element) -> None:
    said = (guid.text or "").strip()
    if said and not said.lower().startswith(("http://", "https://")):
        guid.text = f"{NAMED}{said}"


def _flatten(written: etree._Element) -> None:
    """A text that is written as elements, as the mark-up that it is."""
    for one in written.iter(etree.Element):
        if one is not written and isinstance(one.tag, str) and one.tag.startswith(_XHTML):
            one.tag = one.tag.removeprefix(_XHTML)
    said = (written.text or "") + "".join(etree.tostring(one, encoding="unicode") for one in written)
    for one in list(written):
        written.remove(one)
    written.text = said
    if written.get("type") in {"xhtml", "application/xhtml+xml"}:
        written.set("type", "html")


def _whole(link: etree._Element) -> None:
    """A link that stands under an `xml:base`, with it."""
    base, href = link.base, link.get("href")
    said = href if href is not None else (link.text or "").strip()
    if not base or not said:
        return
    try:
        whole = urljoin(base, said)
    except ValueError:
        return
    if href is not None:
        link.set("href", whole)
    else:
        link.text = whole
