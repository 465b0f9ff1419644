"""Posts of a Discourse forum, read: from its listing, a topic, or by themselves."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from warn.ingest.connector import Refused
from warn.ingest.dates import milliseconds
from warn.ingest.loose import loose_json
from warn.ingest.text import plain
from warn.model.errors import Reason, TemporaryError
from warn.model.mention import Item

PLACE: Final = "discourse"
PAYLOAD: Final = 4_096
_QUOTE: Final = re.compile(r"\[(/?)quote\b[^\]\n]{0,300}\]", re.IGNORECASE)
_ASIDE: Final = re.compile(r"<(/?)aside\b[^>]{0,1000}>", re.IGNORECASE)
_REGULAR: Final = 1
"""Type of a post that a person wrote for all to read; others are acts of moderators and whispers among staff."""
_LIKE: Final = 2
_PRIVATE: Final = "private_message"
_OTHERWISE: Final = {
    "topic_list": "a list of topics: posts are read from /posts.json",
    "user_actions": "what one person did: warn reads posts, and follows nobody",
    "results": "results of a search: they hold no posts",
    "grouped_search_result": "results of a search: they hold the beginnings of posts",
    "private_posts": "private messages: they are not read",
    "category_list": "a list of categories: posts are read from /posts.json",
    "topic": "news of a topic: posts are read from /posts.json",
}

Raw = dict[str, Any]


class Post(NamedTuple):
    """A post. `item` is None where it is gone, hidden, or not for everybody; `edit` where it was changed."""

    number: int
    """Counted over the whole forum, rising."""
    id: str
    created_ms: int
    category: int | None
    item: Item | None
    edit: Item | None
    likes: int
    gone: bool

    def delete(self, source: str) -> Item:
        """Says that it is gone. Its date is the post's, so that a repeat is known as one."""
        return Item(source=source, id=self.id, created_ms=self.created_ms, kind="delete")


class Page(NamedTuple):
    """What an answer holds. `least`: the lowest number in it, 0 where there is none."""

    posts: tuple[Post, ...]
    refused: tuple[Refused, ...]
    least: int


def read_posts(body: bytes, source: str, base: str) -> Page:
    """The posts of an answer, in order of time. Raises TemporaryError for what is no answer of Discourse."""
    said = loose_json(PLACE, body)
    entries, why = _entries(said)
    if why:
        return Page((), (Refused(PLACE, why, body[:PAYLOAD]),), 0)
    posts: list[Post] = []
    refused: list[Refused] = []
    for place, entry in enumerate(entries, 1):
        found = _post(entry, source, base)
        if isinstance(found, Post):
            posts.append(found)
        else:
            raw = json.dumps(entry).encode()[:PAYLOAD]
            refused.append(Refused(f"{PLACE}, post {place} of a page", found, raw))
    numbers = [entry["id"] for entry in entries if isinstance(entry, dict) and _is_number(entry.get("id"))]
    return Page(tuple(sorted(posts, key=lambda post: post.number)), tuple(refused), min(numbers, default=0))


def _entries(said: object) -> tuple[list[object], str]:
    """Posts, not read yet; else why there are none."""
    if isinstance(said, list) and said and isinstance(said[0], dict) and "results" in said[0]:
        return [], _OTHERWISE["results"]
    if not isinstance(said, dict):
        raise TemporaryError(f"{PLACE}: its answer holds no posts", reason=Reason.MALFORMED)
    stream = said.get("post_stream")
    listed = stream.get("posts") if isinstance(stream, dict) else said.get("latest_posts")
    if isinstance(listed, list):
        return listed, ""
    if "cooked" in said or "raw" in said:
        return [said], ""
    if isinstance(said.get("post"), dict):
        return [said["post"]], ""
    for key, why in _OTHERWISE.items():
        if key in said:
            return [], why
    raise TemporaryError(f"{PLACE}: its answer holds no posts", reason=Reason.MALFORMED)


def _post(entry: object, source: str, base: str) -> Post | str:
    """The post, or what is wrong with it."""
    if not isinstance(entry, dict):
        return "no post"
    for name in ("id", "topic_id", "post_number"):
        if not _is_number(entry.get(name)):
            return f"{name}: no number"
    created = milliseconds(entry.get("created_at"))
    if created is None:
        return "created_at: no date"
    topic, place = entry["topic_id"], entry["post_number"]
    gone = bool(entry.get("deleted_at") or entry.get("user_deleted"))
    private = _PRIVATE in {entry.get("topic_archetype"), entry.get("archetype")}
    read = not (gone or private or entry.get("hidden")) and entry.get("post_type", _REGULAR) == _REGULAR
    item = _item(entry, source, base, created) if read else None
    category = entry.get("category_id")
    return Post(
        number=entry["id"],
        id=f"{topic}/{place}",
        created_ms=created,
        category=category if _is_number(category) else None,
        item=item,
        edit=_edit(entry, item),
        likes=_likes(entry),
        gone=gone,
    )


def _item(entry: Raw, source: str, base: str, created_ms: int) -> Item:
    topic, place = entry["topic_id"], entry["post_number"]
    author, to = entry.get("username"), entry.get("reply_to_post_number")
    text = _text(entry)
    title = entry.get("topic_title")
    if place == 1 and isinstance(title, str):
        text = f"{title}\n{text}" if text else title
    return Item(
        source=source,
        id=f"{topic}/{place}",
        created_ms=created_ms,
        kind="post" if place == 1 else "reply",
        author=author if isinstance(author, str) and author else None,
        text=text,
        url=f"{base}/t/{topic}/{place}",
        thread=f"{topic}/1",
        reply_to=None if place == 1 else f"{topic}/{to if _is_number(to) else 1}",
    )


def _edit(entry: Raw, item: Item | None) -> Item | None:
    """The change that the listing shows: a version above the first, and when."""
    version, changed = entry.get("version"), milliseconds(entry.get("updated_at"))
    if item is None or changed is None or not _is_number(version) or version == 1:
        return None
    return Item(
        source=item.source,
        id=item.id,
        created_ms=max(changed, item.created_ms),
        kind="edit",
        author=item.author,
        text=item.text,
        url=item.url,
        thread=item.thread,
    )


def _text(entry: Raw) -> str:
    """What its author wrote, without what was quoted of others."""
    raw, cooked = entry.get("raw"), entry.get("cooked")
    if isinstance(raw, str) and raw.strip():
        return _unquoted(raw, _QUOTE).strip()
    return plain(_unquoted(cooked, _ASIDE)) if isinstance(cooked, str) else ""


def _unquoted(raw: str, marks: re.Pattern[str]) -> str:
    """`raw` outside of [quote="..."] ... [/quote] (as a page: <aside>), which may stand within each other; all of it where
    they do not match.
    """
    pieces: list[str] = []
    depth, at = 0, 0
    for mark in marks.finditer(raw):
        if depth == 0:
            pieces.append(raw[at : mark.start()])
        depth += -1 if mark[1] else 1
        at = mark.end()
        if depth < 0:
            return raw
    return raw if depth else "".join((*pieces, raw[at:]))


def _likes(entry: Raw) -> int:
    """How many people like it."""
    for one in entry.get("actions_summary") or ():
        if isinstance(one, dict) and one.get("id") == _LIKE and _is_number(one.get("count")):
            return int(one["count"])
    return 0


def read_categories(body: bytes) -> Mapping[int, bool]:
    """Of /site.json: the categories, and whether anybody may read them."""
    said = loose_json(PLACE, body)
    listed = said.get("categories") if isinstance(said, dict) else None
    if not isinstance(listed, list):
        raise TemporaryError(f"{PLACE}: it does not name its categories", reason=Reason.MALFORMED)
    return {
        one["id"]: one.get("read_restricted") is False
        for one in listed
        if isinstance(one, dict) and _is_number(one.get("id"))
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**53
