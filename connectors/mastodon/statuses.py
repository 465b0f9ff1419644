"""What a Mastodon server says of posts, as items: statuses out of timelines, and the events of its streams.

A server calls posts by numbers of its own; everybody else knows them by their `uri`. Answers and deletes name only the
number, so each server's `Numbers` remember which post that was; and the number goes along as a post's second name, since
deletes come for weeks.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeGuard

from msgspec.structs import replace

from warn.ingest.connector import Refused
from warn.ingest.dates import milliseconds
from warn.ingest.loose import loose_json
from warn.ingest.text import plain
from warn.model.errors import Reason, TemporaryError
from warn.model.mention import Item

PLACE: Final = "mastodon"
PAYLOAD: Final = 4_096
OPEN: Final = ("public", "unlisted")
MOST_NUMBERS: Final = 50_000
"""Posts of one server whose number is remembered: about 15 MB, some hours of the largest server."""
MOST_OF_ALL: Final = 4 * MOST_NUMBERS
MOST_BODY: Final = 8 * 1024 * 1024
"""A page of forty posts; those of some servers' people are as long as books."""
MOST_PIECES: Final = 16
"""Pictures and answers of a poll whose words are read."""
_WIDEST: Final = 20
_NUMBER: Final = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
"""Mastodon counts; others write a time and chance in letters."""


class NotReadError(ValueError):
    """This is no post that may be read; the message says why and quotes nothing. `quiet`: of it nothing is put aside."""

    def __init__(self, why: str, *, quiet: bool = False) -> None:
        super().__init__(why)
        self.quiet = quiet


class Post(NamedTuple):
    """A status. `edited_ms`: when it was last changed, 0 if never; `likes`: its total now."""

    item: Item
    number: str
    edited_ms: int = 0
    likes: int = 0


class Numbers:
    """Which post a server means by a number of its own; the oldest are forgotten."""

    def __init__(self, most: int = MOST_NUMBERS) -> None:
        self._most = most
        self._uris: dict[str, str] = {}

    def add(self, number: str, uri: str) -> None:
        """From now on this number is known."""
        if len(number) > 64 or len(uri) > 2_048:
            return
        self._uris.pop(number, None)
        self._uris[number] = uri
        if len(self._uris) > self._most:
            del self._uris[next(iter(self._uris))]

    def uri(self, number: object) -> str | None:
        """The post, where it is known."""
        return self._uris.get(str(number)) if isinstance(number, str | int) else None

    def __len__(self) -> int:
        return len(self._uris)


class Reader:
    """Reads what one server says. `domain`: what follows the @ in the names of its own people, at first its host."""

    def __init__(self, source: str, domain: str, numbers: Numbers) -> None:
        self._source, self.host, self.domain, self.numbers = source, domain, domain, numbers

    def page(self, where: str, body: bytes) -> tuple[list[Post], list[Refused], int]:
        """The posts of a timeline, oldest first, what is none, and how many entries there were. Raises TemporaryError."""
        said = loose_json(f"{PLACE}: {where}", body)
        if isinstance(said, dict):
            said = said.get("statuses", [said] if "id" in said else None)
        if not isinstance(said, list):
            raise TemporaryError(f"{PLACE}: {where}: its answer holds no posts", reason=Reason.MALFORMED)
        posts: list[Post] = []
        refused: list[Refused] = []
        for number, one in enumerate(said, 1):
            try:
                posts.append(self.post(one))
            except NotReadError as e:
                refused.append(refusal(f"{where}, post {number} of a page", e, one))
        return posts[::-1], refused, len(said)

    def post(self, status: object) -> Post:
        """One status. Raises NotReadError."""
        if not isinstance(status, dict):
            raise NotReadError("no post")
        uri, number = status.get("uri"), status.get("id")
        if status.get("visibility", "") not in OPEN:
            raise NotReadError(
                "visibility: not public, so it is not read"
                if "visibility" in status
                else "no post: visibility",
                quiet=True,
            )
        if not isinstance(uri, str) or not uri:
            raise NotReadError("uri: none")
        if not _is_number(number):
            raise NotReadError("id: none that a server gives")
        created_ms = milliseconds(status.get("created_at"))
        if created_ms is None:
            raise NotReadError("created_at: no date")
        item = self._item(status, uri, created_ms)
        self.numbers.add(str(number), uri)
        return Post(
            item, str(number), milliseconds(status.get("edited_at")) or 0, (item.engagement or (0,))[0]
        )

    def _item(self, status: Mapping[str, Any], uri: str, created_ms: int) -> Item:
        account = status.get("account")
        account = account if isinstance(account, dict) else {}
        url, followers = status.get("url"), account.get("followers_count")
        boosted = status.get("reblog")
        item = Item(
            source=self._source,
            id=uri,
            created_ms=created_ms,
            author=self._author(account),
            followers=followers if isinstance(followers, int) else None,
            url=url if isinstance(url, str) and url.startswith(("https://", "http://")) else None,
            alias=self._alias(status["id"]),
        )
        if isinstance(boosted, dict):
            return replace(item, kind="repost", reshare_of=self._other(boosted))
        answers, quoted = status.get("in_reply_to_id"), self._quoted(status.get("quote"))
        likes = status.get("favourites_count")
        return replace(
            item,
            kind="reply" if answers else "quote" if quoted else "post",
            text=text_of(status),
            lang=_language(status.get("language")),
            reply_to=self.numbers.uri(answers),
            reshare_of=quoted,
            engagement=(likes, 0, 0, 0) if isinstance(likes, int) and likes > 0 else None,
        )

    def delete(self, number: str, now_ms: int) -> Item:
        """The post that is gone; where its number is not known here, by that alone: the door may know it. Raises NotReadError."""
        if not _is_number(number):
            raise NotReadError("delete: of no number that a server gives")
        alias = self._alias(number)
        uri = self.numbers.uri(number) or alias
        return Item(source=self._source, id=uri, created_ms=now_ms, kind="delete", alias=alias)

    def _alias(self, number: object) -> str:
        return f"{self.host} {number}"

    def _author(self, account: Mapping[str, Any]) -> str | None:
        acct = account.get("acct")
        if not isinstance(acct, str) or not acct:
            return None
        return acct if "@" in acct else f"{acct}@{self.domain}"

    def _other(self, status: Mapping[str, Any]) -> str:
        """The post that stands within another. Raises NotReadError."""
        uri, number = status.get("uri"), status.get("id")
        if status.get("visibility", "public") not in OPEN:
            raise NotReadError("reblog: of a post that is not public", quiet=True)
        if not isinstance(uri, str) or not uri:
            raise NotReadError("reblog: without a uri")
        if isinstance(number, str) and number:
            self.numbers.add(number, uri)
        return uri

    def _quoted(self, quote: object) -> str | None:
        """The post that is quoted, if whoever wrote it agrees to that."""
        if not isinstance(quote, dict):
            return None
        if "state" in quote:
            if quote["state"] != "accepted":
                return None
            if not isinstance(quote.get("quoted_status"), dict):
                return self.numbers.uri(quote.get("quoted_status_id"))
            quote = quote["quoted_status"]
        try:
            return self._other(quote) if isinstance(quote, dict) else None
        except NotReadError:
            return None


def _is_number(said: object) -> TypeGuard[str | int]:
    """Whether a server may call a post so. Reading goes on behind the greatest: an absurd one would be the last."""
    number = str(said) if isinstance(said, str | int) and not isinstance(said, bool) else ""
    return bool(_NUMBER.fullmatch(number)) and not (number.isdecimal() and len(number) > _WIDEST)


def as_edit(post: Post) -> Item:
    """What a post says since it was changed."""
    return replace(post.item, kind="edit", created_ms=post.edited_ms or post.item.created_ms, engagement=None)


def as_update(post: Post, now_ms: int) -> Item:
    """What a post's total is now."""
    item = post.item
    return Item(
        source=item.source, id=item.id, created_ms=now_ms, kind="update", engagement=(post.likes, 0, 0, 0)
    )


def refusal(where: str, error: NotReadError, raw: object) -> Refused:
    """What is put aside of something that is no post for us."""
    kept = b"" if error.quiet else (raw if isinstance(raw, bytes) else json.dumps(raw).encode())[:PAYLOAD]
    return Refused(f"{PLACE}: {where}", str(error), kept)


def text_of(status: Mapping[str, Any]) -> str:
    """All that its writer says: warning, words, answers of a poll, what pictures show, and the card of a link."""
    parts = [_words(status.get("spoiler_text")), plain(_words(status.get("content")))]
    poll, card, media = status.get("poll"), status.get("card"), status.get("media_attachments")
    options = poll.get("options") if isinstance(poll, dict) else None
    parts += _named(options, "title")
    parts += _named(media, "description")
    if isinstance(card, dict):
        parts += [_words(card.get("title")), _words(card.get("url"))]
    text = ""
    for part in parts:
        part = part.strip()
        if part and part not in text:
            text = f"{text}\n{part}" if text else part
    return text


def _named(entries: object, name: str) -> list[str]:
    found = entries[:MOST_PIECES] if isinstance(entries, list) else []
    return [_words(one.get(name)) for one in found if isinstance(one, dict)]


def _words(said: object) -> str:
    return said if isinstance(said, str) else ""


def _language(said: object) -> str | None:
    """Without region or script."""
    return said.partition("-")[0].lower() or None if isinstance(said, str) and len(said) < _WIDEST else None
