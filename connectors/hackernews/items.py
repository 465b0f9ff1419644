"""Stories and comments of Hacker News, read from either of its two interfaces."""

from hashlib import blake2b
from typing import Any, Final, NamedTuple, TypeGuard

from warn.ingest.text import plain
from warn.model.mention import Item

PLACE: Final = "hackernews"
_STORIES: Final = frozenset({"story", "job", "poll"})
_SITE: Final = "https://news.ycombinator.com/item?id="

Raw = dict[str, Any]


class Entry(NamedTuple):
    """A story or a comment. `item` is None where it is deleted or dead. `score`: votes, None where it has none to show."""

    number: int
    created_ms: int
    item: Item | None
    score: int | None = None

    @property
    def story(self) -> int:
        """The story it stands under, itself if it is one; 0 where that is not told."""
        if self.item is None or self.item.kind == "post":
            return self.number
        return int(self.item.thread or 0)

    def delete(self, source: str) -> Item:
        """Says that it is gone. Its date is the entry's own, so that a repeat is known as one."""
        return Item(source=source, id=str(self.number), created_ms=self.created_ms, kind="delete")

    def votes(self, source: str, now_ms: int) -> Item:
        """Its votes so far."""
        return Item(
            source=source,
            id=str(self.number),
            created_ms=now_ms,
            kind="update",
            engagement=(max(0, self.score or 0), 0, 0, 0),
        )

    def edit(self, now_ms: int) -> Item | None:
        """Says that its text is another now."""
        if self.item is None:
            return None
        one = self.item
        return Item(
            source=one.source, id=one.id, created_ms=now_ms, kind="edit", author=one.author, text=one.text,
            url=one.url, thread=one.thread,
        )  # fmt: skip

    def sense(self) -> bytes:
        """A fingerprint of its words, which both interfaces write a little differently."""
        text = "" if self.item is None else self.item.text or ""
        letters = "".join(filter(str.isalnum, text.casefold()))
        return blake2b(letters.encode("utf-8", "replace"), digest_size=8).digest()


def read_item(raw: object, source: str, story: int = 0) -> Entry | str:
    """An item of the Firebase interface, or what is wrong with it. `story`: of a comment, where it is known."""
    if not isinstance(raw, dict):
        return "no item"
    if "karma" in raw:
        return "a profile: warn keeps nothing about people"
    number, time, kind = raw.get("id"), raw.get("time"), raw.get("type")
    if not _is_number(number):
        return "id: no number"
    if not _is_number(time):
        return "time: no date"
    if kind == "pollopt":
        return "an option of a poll: it is no mention by itself"
    if not isinstance(kind, str) or (kind != "comment" and kind not in _STORIES):
        return "type: neither a story nor a comment"
    if raw.get("deleted") or raw.get("dead"):
        return Entry(number, time * 1000, None)
    texts = (raw.get("title"), raw.get("text"), raw.get("url"))
    if kind == "comment":
        parent = raw.get("parent")
        return _comment(source, number, time, raw.get("by"), texts[1], parent, story)
    return _story(source, number, time, raw.get("by"), texts, raw.get("score"))


def read_hit(raw: object, source: str) -> Entry | str:
    """A hit of the search interface, or what is wrong with it."""
    if not isinstance(raw, dict):
        return "no hit"
    if "upvotes" in raw and "link" in raw:
        return "scraped from the site, which its terms forbid, and without a date"
    number, time = _number(raw.get("objectID")), raw.get("created_at_i")
    if not number:
        return "objectID: no number"
    if not _is_number(time):
        return "created_at_i: no date"
    tags = raw.get("_tags")
    if (isinstance(tags, list) and "comment" in tags) or isinstance(raw.get("comment_text"), str):
        text, story = raw.get("comment_text"), _number(raw.get("story_id"))
        return _comment(source, number, time, raw.get("author"), text, raw.get("parent_id"), story)
    if isinstance(tags, list) and "pollopt" in tags:
        return "an option of a poll: it is no mention by itself"
    texts = (raw.get("title"), raw.get("story_text") or raw.get("text"), raw.get("url"))
    return _story(source, number, time, raw.get("author"), texts, raw.get("points"))


def _story(
    source: str, number: int, time: int, author: object, texts: tuple[object, ...], score: object
) -> Entry:
    """Title, text and link: a link to us names us as well."""
    title, text, link = (one if isinstance(one, str) else "" for one in texts)
    parts = (plain(title), plain(text), link)
    item = Item(
        source=source,
        id=str(number),
        created_ms=time * 1000,
        kind="post",
        author=author if isinstance(author, str) and author else None,
        text="\n".join(part for part in parts if part),
        url=f"{_SITE}{number}",
    )
    return Entry(number, item.created_ms, item, score if isinstance(score, int) else None)


def _comment(
    source: str, number: int, time: int, author: object, text: object, parent: object, story: int
) -> Entry | str:
    if not _number(parent):
        return "parent: no number"
    item = Item(
        source=source,
        id=str(number),
        created_ms=time * 1000,
        kind="comment",
        author=author if isinstance(author, str) and author else None,
        text=plain(text) if isinstance(text, str) else "",
        url=f"{_SITE}{number}",
        thread=str(story) if story else None,
        reply_to=str(_number(parent)),
    )
    return Entry(number, item.created_ms, item)


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**40


def _number(value: object) -> int:
    """A number as either interface writes it; 0 where it is none."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 12:
        return int(value)
    return value if _is_number(value) else 0
