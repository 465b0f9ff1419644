"""Frames of Jetstream, either version, and what they say as items.

A frame is taken apart only as far as it is needed: most are likes of posts that are not ours.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Raw, Struct

from warn.model.mention import Item

POST: Final = "app.bsky.feed.post"
REPOST: Final = "app.bsky.feed.repost"
LIKE: Final = "app.bsky.feed.like"
SHORT: Final = {"post": POST, "repost": REPOST, "like": LIKE}
_KINDS: Final = {REPOST: "repost", LIKE: "like"}
_ABOUT: Final = frozenset(SHORT.values())

MOST_LINKS: Final = 20
MOST_LINK: Final = 2_048
_STAYING: Final = frozenset({"throttled", "desynchronized"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Event(NamedTuple):
    """What happened to one record of somebody. `us`: when the server saw it, microseconds; `seq`: its number, version 2
    only. `operation` is "" for what is no change of a record: news of an account (`departed`: it is gone, and nobody is shown
    what it wrote), or of the stream itself (`notice`).
    """

    us: int
    seq: int | None
    did: str = ""
    operation: str = ""
    collection: str = ""
    rkey: str = ""
    rev: str = ""
    record: Raw = Raw()
    notice: str = ""
    departed: bool = False


class StreamError(Exception):
    """The server says that it ends the stream, and the word that it has for why."""


class _Commit(Struct, gc=False):
    operation: str
    collection: str
    rkey: str
    rev: str = ""
    record: Raw = Raw()


class _Account(Struct, gc=False):
    active: bool
    status: str | None = None

    @property
    def departed(self) -> bool:
        """Whether its posts are to be shown no more; otherwise a server merely has trouble with it."""
        return not self.active and self.status not in _STAYING


class _First(Struct, gc=False):
    did: str
    time_us: int
    kind: str
    commit: _Commit | None = None
    account: _Account | None = None


class _Payload(Struct, gc=False):
    type: str = msgspec.field(name="$type")
    seq: int = -1
    did: str = ""
    time: datetime | None = None
    operation: str = ""
    collection: str = ""
    rkey: str = ""
    rev: str = ""
    record: Raw = Raw()
    name: str = ""
    account: _Account | None = None


class _Second(Struct, gc=False):
    type: str = msgspec.field(name="$type")
    payload: _Payload | None = None
    error: str = ""


class _Ref(Struct, gc=False):
    uri: str


class _Subject(Struct, gc=False):
    subject: _Ref


class _Post(Struct):
    text: str = ""
    langs: Any = None
    reply: Any = None
    embed: Any = None
    facets: Any = None


_first = msgspec.json.Decoder(_First).decode
_second = msgspec.json.Decoder(_Second).decode
_subject = msgspec.json.Decoder(_Subject).decode
_post = msgspec.json.Decoder(_Post).decode


def read_first(frame: str | bytes) -> Event:
    """A frame of version 1. Raises msgspec's errors, and ValueError."""
    said = _first(frame)
    commit = said.commit
    if commit is None:
        if said.kind == "commit":
            raise ValueError("a commit without one")
        return _news(said.time_us, None, said.did, said.account if said.kind == "account" else None)
    return Event(
        said.time_us, None, said.did, commit.operation, commit.collection, commit.rkey, commit.rev, commit.record
    )  # fmt: skip


def read_second(frame: str | bytes) -> Event:
    """A frame of version 2. Raises msgspec's errors, ValueError, and `StreamError` for a last one."""
    said = _second(frame)
    if said.type == "error":
        raise StreamError(said.error)
    payload = said.payload
    if said.type != "message" or payload is None:
        raise ValueError("neither a message nor an error")
    kind = payload.type.rpartition("#")[2]
    if kind == "info":
        return Event(0, None, notice=payload.name or "info")
    if payload.time is None or payload.seq < 0:
        raise ValueError("no number or no time")
    us = _microseconds(payload.time)
    if kind != "commit":
        return _news(us, payload.seq, payload.did, payload.account if kind == "account" else None)
    return Event(
        us, payload.seq, payload.did, payload.operation, payload.collection, payload.rkey, payload.rev, payload.record
    )  # fmt: skip


def _news(us: int, seq: int | None, did: str, account: _Account | None) -> Event:
    """Of somebody's account: all that is heard is that it is gone."""
    return Event(us, seq, did, departed=bool(did) and account is not None and account.departed)


def _microseconds(time: datetime) -> int:
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def item_of(source: str, event: Event) -> Item | None:
    """What an event says, or None for records that are none of ours. Raises msgspec's errors, and ValueError."""
    collection, did = event.collection, event.did
    if collection not in _ABOUT:
        return None
    if not (did and event.rkey):
        raise ValueError("nobody's, or without a key")
    uri = f"at://{did}/{collection}/{event.rkey}"
    created_ms = event.us // 1000
    if event.operation == "delete":
        return Item(source=source, id=uri, created_ms=created_ms, kind="delete", author=did)
    if event.operation not in {"create", "update"} or not event.record:
        raise ValueError("no operation that is known, or no record to it")
    if collection != POST:
        subject = _subject(event.record).subject.uri
        return Item(
            source=source, id=uri, created_ms=created_ms, kind=_KINDS[collection], author=did, reshare_of=subject
        )  # fmt: skip
    return _post_item(source, uri, created_ms, event)


def _post_item(source: str, uri: str, created_ms: int, event: Event) -> Item:
    post = _post(event.record)
    quoted, card = _embedded(post.embed)
    root, reply = _uri(post.reply, "root"), _uri(post.reply, "parent")
    kind = (
        "edit" if event.operation == "update" else "reply" if reply or root else "quote" if quoted else "post"
    )
    return Item(
        source=source,
        id=uri,
        created_ms=created_ms,
        kind=kind,
        author=event.did,
        text=_with_card(_with_links(post.text, post.facets), card),
        url=f"https://bsky.app/profile/{event.did}/post/{event.rkey}",
        lang=_language(post.langs),
        thread=root,
        reply_to=reply or root,
        reshare_of=quoted,
    )


def _uri(holder: object, name: str) -> str | None:
    """The post that a reference of this name points to."""
    ref = holder.get(name) if isinstance(holder, dict) else None
    uri = ref.get("uri") if isinstance(ref, dict) else None
    return uri if isinstance(uri, str) and uri else None


def _language(langs: object) -> str | None:
    """The first of the languages that the writer named, without its region."""
    first = langs[0] if isinstance(langs, list) and langs else None
    return first.partition("-")[0].lower() if isinstance(first, str) else None


def _embedded(embed: object) -> tuple[str | None, Mapping[str, Any]]:
    """The post that is quoted, if one is, and the card of a link."""
    if not isinstance(embed, dict):
        return None, {}
    # With media the reference lies one deeper.
    uri, media = _uri(embed, "record") or _uri(embed.get("record"), "record"), embed.get("media")
    # Lists, feeds and starter packs are embedded in the same way.
    quoted = uri if uri and f"/{POST}/" in uri else None
    card = embed.get("external") or (media.get("external") if isinstance(media, dict) else None)
    return quoted, card if isinstance(card, dict) else {}


def _with_card(text: str, card: Mapping[str, Any]) -> str:
    for name in ("title", "uri"):
        said = card.get(name)
        if isinstance(said, str) and said and said not in text:
            text = f"{text}\n{said[:MOST_LINK]}"
    return text


def _with_links(text: str, facets: object) -> str:
    """The text with its links whole: shown they are cut short, and `facets` say, by UTF-8 bytes, what stands where."""
    links = _links(facets)
    if not links:
        return text
    raw = text.encode()
    parts: list[str] = []
    loose: list[str] = []
    done = 0
    for start, end, uri in links:
        try:
            if not done <= start < end <= len(raw):
                raise ValueError
            before, shown = raw[done:start].decode(), raw[start:end].decode()
        except ValueError:  # it points nowhere, or into the middle of a character
            loose.append(uri)
            continue
        if _shortens(shown, uri):
            parts += [before, uri]
            done = end
        else:
            loose.append(uri)  # words that lead somewhere: they stay
    whole = "".join(parts) + raw[done:].decode()
    return "\n".join([whole, *(uri for uri in dict.fromkeys(loose) if uri not in whole)])


def _links(facets: object) -> list[tuple[int, int, str]]:
    """Where each link begins and ends, in order."""
    found: list[tuple[int, int, str]] = []
    for facet in facets[:MOST_LINKS] if isinstance(facets, list) else ():
        index = facet.get("index") if isinstance(facet, dict) else None
        features = facet.get("features") if isinstance(facet, dict) else None
        if not isinstance(index, dict) or not isinstance(features, list):
            continue
        start, end = index.get("byteStart"), index.get("byteEnd")
        uri = next((one.get("uri") for one in features if isinstance(one, dict) and "uri" in one), None)
        if isinstance(start, int) and isinstance(end, int) and isinstance(uri, str) and len(uri) <= MOST_LINK:
            found.append((start, end, uri))
    return sorted(found)


def _shortens(shown: str, uri: str) -> bool:
    """Whether what is shown is the beginning of the link, with or without its scheme."""
    beginning = shown.rstrip(".…")
    bare = uri.partition("://")[2]
    return bool(beginning) and (
        uri.startswith(beginning)
        or bare.startswith(beginning)
        or bare.removeprefix("www.").startswith(beginning)
    )
