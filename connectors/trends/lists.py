"""Trend lists, each read as the entries that stand on it now."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from lxml import etree

from warn.ingest.connector import Refused
from warn.ingest.loose import loose_json
from warn.ingest.outbound import Answer, Outbound
from warn.ingest.text import plain
from warn.model.errors import Reason, TemporaryError

PLACE: Final = "trends"
PAYLOAD: Final = 4_096
MOST_ENTRIES: Final = 100
MOST_TEXT: Final = 2_000
MOST_NEWS: Final = 5
MOST_BODY: Final = 1024 * 1024
BSKY: Final = "https://bsky.app"


class Entry(NamedTuple):
    """One place on a list. `key`: what it is known by there; `author`: of a post, so that it can be erased."""

    key: str
    text: str
    url: str | None = None
    author: str | None = None


class Page(NamedTuple):
    """A list as it stands."""

    entries: tuple[Entry, ...]
    refused: tuple[Refused, ...] = ()


class TrendList(NamedTuple):
    """`name`: of the list, and the beginning of the ids of its entries. `kind`: how it is written."""

    name: str
    kind: str
    url: str
    params: Mapping[str, str] = {}

    async def read(self, out: Outbound) -> Page:
        """Raises as any request does, and TemporaryError where the answer is no such list."""
        answer = await out.get(self.url, params=self.params, most=MOST_BODY)
        return await asyncio.to_thread(self.page, answer)

    def page(self, answer: Answer) -> Page:
        """Raises TemporaryError where the answer is no such list."""
        place = f"{PLACE}: {self.name}"
        said: object = _feed(place, answer.body) if self.kind == "google" else loose_json(place, answer.body)
        if self.kind == "bluesky":
            said = said.get("topics") if isinstance(said, dict) else None
        if not isinstance(said, list):
            raise TemporaryError(f"{place}: its answer holds no list", reason=Reason.MALFORMED)
        read = _READERS[self.kind]
        entries: dict[str, Entry] = {}
        refused: list[Refused] = []
        for number, one in enumerate(said[:MOST_ENTRIES], 1):
            entry = read(one, self.url) if isinstance(one, dict) else None
            if entry is None or not entry.key or not entry.text:
                why = "no entry: it has no name, or is not public"
                refused.append(Refused(f"{place}, entry {number}", why, _raw(one, self.kind)))
            else:
                entries.setdefault(entry.key, entry)
        return Page(tuple(entries.values()), tuple(refused))


def mastodon(url: str, which: Iterable[str]) -> list[TrendList]:
    """Lists of a server; `url` without a slash at its end."""
    host = urlsplit(url).netloc
    most = {"tags": "20", "statuses": "40", "links": "20"}
    return [
        TrendList(f"{host} {one}", one, f"{url}/api/v1/trends/{one}", {"limit": most[one]}) for one in which
    ]


def bluesky(url: str) -> TrendList:
    """Topics. The endpoint is called unspecced by its makers: it may change or go at any time."""
    return TrendList(
        "bluesky", "bluesky", f"{url}/xrpc/app.bsky.unspecced.getTrendingTopics", {"limit": "25"}
    )


def google(url: str, country: str) -> TrendList:
    """What people of a country search for more than usual."""
    return TrendList(f"google {country}", "google", f"{url}/trending/rss", {"geo": country})


def _tag(one: Mapping[str, Any], _: str) -> Entry | None:
    name = _words(one.get("name"))
    return Entry(name.casefold(), f"#{name}", _link(one.get("url"))) if name else None


def _status(one: Mapping[str, Any], url: str) -> Entry | None:
    if one.get("visibility") not in ("public", "unlisted"):
        return None
    text = "\n".join(filter(None, (_words(one.get("spoiler_text")), plain(_words(one.get("content"))))))
    account = one.get("account")
    acct = _words(account.get("acct")) if isinstance(account, dict) else ""
    if acct and "@" not in acct:
        acct = f"{acct}@{urlsplit(url).hostname}"
    return Entry(_words(one.get("uri")), text[:MOST_TEXT], _link(one.get("url")), acct or None)


def _news(one: Mapping[str, Any], _: str) -> Entry | None:
    url = _link(one.get("url"))
    text = "\n".join(filter(None, (_words(one.get("title")), _words(one.get("description")))))
    return Entry(url, text[:MOST_TEXT], url) if url else None


def _topic(one: Mapping[str, Any], _: str) -> Entry | None:
    topic, shown, more = (_words(one.get(name)) for name in ("topic", "displayName", "description"))
    link = _words(one.get("link"))
    text = "\n".join(dict.fromkeys(filter(None, (shown or topic, topic, more))))
    return Entry(topic.casefold(), text[:MOST_TEXT], f"{BSKY}{link}" if link.startswith("/") else _link(link))


def _search(one: Mapping[str, Any], _: str) -> Entry | None:
    title = _words(one.get("title"))
    text = "\n".join(dict.fromkeys([title, *one.get("news", ())]))
    return Entry(title.casefold(), text[:MOST_TEXT], _link(one.get("url")))


_READERS: Final = {
    "tags": _tag, "statuses": _status, "links": _news, "bluesky": _topic, "google": _search,
}  # fmt: skip


def _feed(place: str, body: bytes) -> list[dict[str, Any]]:
    """Items of a feed, each with its title and the headlines and the first address of the news to it."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise TemporaryError(f"{place}: its answer is no feed", reason=Reason.MALFORMED) from None
    if root is None or etree.QName(root).localname != "rss":
        raise TemporaryError(f"{place}: its answer is no feed", reason=Reason.MALFORMED)
    found: list[dict[str, Any]] = []
    for item in root.iter("item"):
        texts = [(etree.QName(one).localname, (one.text or "").strip()) for one in item.iter(etree.Element)]
        found.append(
            {
                "title": next((text for name, text in texts if name == "title"), ""),
                "news": [text for name, text in texts if name == "news_item_title" and text][:MOST_NEWS],
                "url": next((text for name, text in texts if name == "news_item_url"), ""),
            }
        )
    return found


def _words(said: object) -> str:
    return " ".join(said.split()) if isinstance(said, str) else ""


def _link(said: object) -> str:
    return said if isinstance(said, str) and said.startswith(("https://", "http://")) else ""


def _raw(entry: object, kind: str) -> bytes:
    """Of posts nothing is put aside: they may be none that are public."""
    return b"" if kind == "statuses" else json.dumps(entry).encode()[:PAYLOAD]
