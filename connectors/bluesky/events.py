"""Frames of Jetstream, either version, and what they say as items.

A frame is taken apart only as far as it is needed: most are likes of posts that are not ours.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Raw, Struct

from connectors.bluesky.texts import with_card, with_links
from warn.model.mention import Item

POST: Final = "app.bsky.feed.post"
REPOST: Final = "app.bsky.feed.repost"
LIKE: Final = "app.bsky.feed.like"
PROFILE: Final = "app.bsky.actor.profile"
SHORT: Final = {"post": POST, "repost": REPOST, "like": LIKE, "profile": PROFILE}
_KINDS: Final = {REPOST: "repost", LIKE: "like"}
_ABOUT: Final = frozenset(SHORT.values())

_STAYING: Final = frozenset({"throttled", "desynchronized"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Event(NamedTuple):
    """What happened to one record of somebody. `us`: when the server saw it, microseconds; `seq`: its number, version 2
    only. `operation` is "" for what is no change of a record: news of an account (`departed`: it is gone, and nobody is shown
    what it wrote; `handle`: it is called so from now on), or of the stream itself (`notice`).
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
    handle: str = ""


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


class _Identity(Struct, gc=False):
    handle: str | None = None
    seq: int = 0


class _First(Struct, gc=False):
    did: str
    time_us: int
    kind: str
    commit: _Commit | None = None
    account: _Account | None = None
    identity: _Identity | None = None


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
    identity: _Identity | None = None


class _Second(Struct, gc=False):
    type: str = msgspec.field(name="$type")
    payload: _Payload | None = None
    error: str = ""


class _Ref(Struct, gc=False):
    uri: str


class _Subject(Struct, gc=False):
    subject: _Ref


class _Profile(Struct):
    displayName: Any = None  # noqa: N815 - as the wire has it
    description: Any = None


class _Post(Struct):
    text: str = ""
    langs: Any = None
    reply: Any = None
    embed: Any = None
    facets: Any = None


_first = msgspec.json.Decoder(_First).decode
_second = msgspec.json.Decoder(_Second).decode
_subject = msgspec.json.Decoder(_Subject).decode
_profile = msgspec.json.Decoder(_Profile).decode
_post = msgspec.json.Decoder(_Post).decode


def read_first(frame: str | bytes) -> Event:
    """A frame of version 1. Raises msgspec's errors, and ValueError."""
    said = _first(frame)
    commit = said.commit
    if commit is None:
        if said.kind == "commit":
            raise ValueError("a commit without one")
        return _news(said.time_us, None, said.did, said.kind, said.account, said.identity)
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
        return _news(us, payload.seq, payload.did, kind, payload.account, payload.identity)
    return Event(
        us, payload.seq, payload.did, payload.operation, payload.collection, payload.rkey, payload.rev, payload.record
    )  # fmt: skip


def _news(
    us: int, seq: int | None, did: str, kind: str, account: _Account | None, identity: _Identity | None
) -> Event:
    """Of somebody's account: all that is heard is that it is gone, or what it is called now."""
    if kind == "account" and account is not None:
        return Event(us, seq, did, departed=bool(did) and account.departed)
    if kind == "identity" and identity is not None and identity.handle:
        return Event(us, seq, did, rev=str(identity.seq), handle=identity.handle)
    return Event(us, seq, did)


def _microseconds(time: datetime) -> int:
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def item_of(source: str, event: Event) -> Item | None:
    """What an event says, or None for records that are none of ours. Raises msgspec's errors, and ValueError."""
    collection, did = event.collection, event.did
    if event.handle:
        # Where a did leads to is no record: this is a name of ours for it.
        return _profile_item(source, f"at://{did}", event, f"@{event.handle}")
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
    if collection == PROFILE:
        said = _profile(event.record)
        return _profile_item(source, uri, event, *_words(said.displayName, said.description))
    if collection != POST:
        subject = _subject(event.record).subject.uri
        return Item(
            source=source, id=uri, created_ms=created_ms, kind=_KINDS[collection], author=did, reshare_of=subject
        )  # fmt: skip
    return _post_item(source, uri, created_ms, event)


def _profile_item(source: str, uri: str, event: Event, *words: str) -> Item:
    """How an account calls itself, word for word."""
    return Item(
        source=source, id=uri, created_ms=event.us // 1000, kind="profile", author=event.did, text="\n".join(words),
        url=f"https://bsky.app/profile/{event.did}",
    )  # fmt: skip


def _words(*said: object) -> list[str]:
    return [one for one in said if isinstance(one, str) and one]


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
        text=with_card(with_links(post.text, post.facets), card),
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
