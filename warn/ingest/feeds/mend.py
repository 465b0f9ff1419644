"""What a feed says, said so that the parser cannot take it for something else. Runs in the child.

The parser takes the first `title` of an item whosever it is (that of a picture, of a podcast), sees no text where it is
written as elements, knows no `xml:base`, and makes a date of nearly anything, a bare number that is an id among it.
"""

import re
from typing import Final
from urllib.parse import urljoin

from lxml import etree

from warn.ingest.feeds.dated import MOST, moment

_DATE: Final = re.compile(
    r"(<(?:[\w.-]{1,20}:)?(?:pubDate|published|issued|date|lastBuildDate|updated|modified|created)(?:\s[^<>]*)?>)"
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
_ENTRIES: Final = frozenset({"item", "entry"})
_RSS_1: Final = "http://purl.org/rss/1.0/"
_ENCODED: Final = "{http://purl.org/rss/1.0/modules/content/}encoded"
_XHTML: Final = "{http://www.w3.org/1999/xhtml}"


def plain_dates(text: str) -> str:
    """Dates as ISO 8601, or none; ids that are no addresses marked as what they are."""
    return _GUID.sub(rf"\g<1>{NAMED}", _DATE.sub(_dated, text))


def _dated(found: re.Match[str]) -> str:
    when = moment(_LINES.sub("", found[2]))
    return f"{found[1]}{when.isoformat() if when is not None else ''}"


def plain_tree(data: bytes) -> bytes:
    """A well-formed feed with the texts of its entries as text, its own elements before those of others, and whole links."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return data
    for one in root.iter(etree.Element):
        name = etree.QName(one).localname
        if name in _ENTRIES:
            _mend(one)
        elif name == "link":
            _whole(one)
    told: bytes = etree.tostring(root, encoding="utf-8")
    return b"<?xml version='1.0' encoding='utf-8'?>" + told


def _mend(entry: etree._Element) -> None:
    """One entry. What comes first of a name is what the parser takes."""
    space = etree.QName(entry).namespace
    children = [one for one in entry if isinstance(one.tag, str)]
    for one in children:
        if etree.QName(one).localname in _WRITTEN and len(one):
            _flatten(one)
    if space == _RSS_1 and not any(one.tag == f"{{{space}}}description" for one in children):
        for one in children:
            if one.tag == _ENCODED:  # of RSS 1.0 the parser reads no other text
                one.tag = f"{{{space}}}description"
    own = [one for one in children if etree.QName(one).namespace == space]
    if own and len(own) < len(children):
        entry[:] = [*own, *(one for one in children if etree.QName(one).namespace != space)]


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
