"""What Mastodon's statuses say, and every recorded answer of a real server."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mastodon.feed import Feed, Position
from connectors.mastodon.server import Server
from connectors.mastodon.statuses import NotReadError, Numbers, Post, Reader, as_edit, as_update, text_of
from tests.shared import SHARED, needs_shared
from warn.ingest.entry import RefusedError, check
from warn.ingest.rest import Rest
from warn.model.errors import Reason, TemporaryError
from warn.model.mention import Item

STATUS: dict[str, Any] = {
    "id": "7", "uri": "https://far.example/users/a/statuses/7", "url": "https://far.example/@a/7",
    "created_at": "2026-05-28T20:26:40.123Z", "edited_at": None, "visibility": "public", "language": "nl-BE",
    "spoiler_text": "burns", "content": "<p>Acme <a href='https://x.example'><span>x.example</span></a></p><p>two</p>",
    "favourites_count": 3, "reblogs_count": 9, "account": {"acct": "a@far.example", "followers_count": 5},
}  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["uri", "id", "state", "quoted_status", "title", "options", "acct"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def reader() -> Reader:
    return Reader("mastodon", "home.example", Numbers())


def feed() -> Feed:
    server = Server("https://home.example", "", "mastodon", (), numbers=Numbers(), rest=Rest(), between_s=0.0)
    return Feed(server, "", "all", None, every_s=1.0, chance=random.Random(1))


def test_a_post() -> None:
    post = reader().post(STATUS)
    assert post == Post(
        Item(
            source="mastodon", id=STATUS["uri"], created_ms=1_780_000_000_123, author="a@far.example", followers=5,
            text="burns\nAcme x.example\ntwo", url=STATUS["url"], lang="nl", engagement=(3, 0, 0, 0), alias="home.example 7",
        ),
        "7", 0, 3,
    )  # fmt: skip


def test_who_is_at_home_gets_a_full_name() -> None:
    """So that one person is one author, whichever server shows the post."""
    assert reader().post({**STATUS, "account": {"acct": "b"}}).item.author == "b@home.example"
    assert reader().post({**STATUS, "account": None}).item.author is None


def test_all_that_is_said() -> None:
    said = {
        **STATUS, "poll": {"options": [{"title": "Boycott Acme"}, {"title": 3}]},
        "media_attachments": [{"description": "a kettle on fire"}, {"description": None}, 5],
        "card": {"title": "Kettle burns", "url": "https://news.example/1"},
    }  # fmt: skip
    assert text_of(said).splitlines() == [
        "burns", "Acme x.example", "two", "Boycott Acme", "a kettle on fire", "Kettle burns", "https://news.example/1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "why", "kept"),
    [
        ({"visibility": "private"}, "not public", False),
        ({"visibility": "direct"}, "not public", False),
        ({"visibility": 5}, "not public", False),
        ({"uri": None}, "uri", True),
        ({"id": None}, "id", True),
        ({"created_at": "soon"}, "created_at", True),
        ({"reblog": {**STATUS, "visibility": "private"}}, "not public", False),
    ],
)
def test_what_is_not_read(change: dict[str, Any], why: str, kept: bool) -> None:
    _, refused, entries = reader().page("x", json.dumps([{**STATUS, **change}]).encode())
    assert entries == 1 and why in refused[0].message
    assert bool(refused[0].payload) == kept


@pytest.mark.parametrize(
    "quote",
    [
        {"state": "accepted", "quoted_status": {**STATUS, "uri": "https://q.example/1"}},
        {**STATUS, "uri": "https://q.example/1"},
        {"state": "accepted", "quoted_status_id": "44"},
    ],
)
def test_quotes(quote: dict[str, Any]) -> None:
    one = reader()
    one.numbers.add("44", "https://q.example/1")
    item = one.post({**STATUS, "quote": quote}).item
    assert (item.kind, item.reshare_of) == ("quote", "https://q.example/1")


@pytest.mark.parametrize("state", ["pending", "rejected", "revoked", "deleted", "unauthorized"])
def test_a_quote_that_its_writer_does_not_agree_to_is_none(state: str) -> None:
    quote = {"state": state, "quoted_status": STATUS}
    assert reader().post({**STATUS, "quote": quote}).item.kind == "post"


def test_edits_and_totals() -> None:
    post = reader().post({**STATUS, "edited_at": "2026-06-01T00:00:00Z"})
    edit, update = as_edit(post), as_update(post, 1_790_000_000_000)
    assert (edit.kind, edit.created_ms, edit.engagement) == ("edit", 1_780_272_000_000, None)
    assert update == Item(
        source="mastodon", id=STATUS["uri"], created_ms=1_790_000_000_000, kind="update", engagement=(3, 0, 0, 0)
    )  # fmt: skip


def test_numbers_are_forgotten_in_order() -> None:
    numbers = Numbers(3)
    for number in "12314":
        numbers.add(number, f"https://x/{number}")
    assert [numbers.uri(number) for number in ("1", 2, "3", "4", None)] == [
        "https://x/1", None, "https://x/3", "https://x/4", None,
    ]  # fmt: skip


@pytest.mark.parametrize("body", [b"", b"<p>no</p>", b"5", b'{"error": "x"}', b'"x"'])
def test_an_answer_that_is_none(body: bytes) -> None:
    with pytest.raises(TemporaryError) as caught:
        reader().page("x", body)
    assert caught.value.reason is Reason.MALFORMED


def test_positions_go_back_only_where_numbers_tell_the_time() -> None:
    number = str((1_780_000_000_000 << 16) + 5)
    assert int(Position(number, 1_780_000_000).rewound) == int(number) - (20_000 << 16)
    for other in ("01HZX5", "123"):
        assert Position(other, 1_780_000_000).rewound == other


@given(
    st.dictionaries(st.sampled_from([*STATUS, "reblog", "quote", "poll", "card", "media_attachments"]), JSON)
)
def test_whatever_stands_in_a_status(change: dict[str, Any]) -> None:
    one = reader()
    try:
        post = one.post({**STATUS, **change})
    except NotReadError:
        return
    try:
        check(post.item)
    except RefusedError:  # the door's own business: too long, half a character
        return
    as_edit(post), as_update(post, 1)


@needs_shared
def test_every_recorded_answer_becomes_posts_or_is_put_aside_with_a_reason() -> None:
    assert SHARED is not None
    found: dict[str, tuple[list[Post], int]] = {}
    for path in sorted((SHARED / "data/payloads/mastodon").iterdir()):
        one = feed()
        if path.suffix == ".txt":
            told = one._events(_events(path.read_text()))
            posts, refused = [post for post in told.posts if isinstance(post, Post)], list(told.refused)
        else:
            posts, refused, entries = one.server.reader.page(path.name, path.read_bytes())
            assert len(posts) + len(refused) == entries
        assert posts or refused, path.name
        for post in posts:
            check(post.item)
            assert post.item.author and "@" in post.item.author and post.item.created_ms > 1_400_000_000_000
        assert all(one.message for one in refused)
        found[path.name] = posts, len(refused)
    direct = [name for name in found if "direct" in name]
    assert direct and sum(refused for name, (_, refused) in found.items() if name in direct) > 0
    quoted = found["test_entity_quote_0.json"][0][0].item
    assert quoted.reshare_of or quoted.kind == "reply"
    assert sum(len(posts) for posts, _ in found.values()) > 30


@needs_shared
def test_nothing_of_what_is_not_public_is_put_aside() -> None:
    assert SHARED is not None
    for path in sorted((SHARED / "data/payloads/mastodon").glob("*direct*.json")):
        said = json.loads(path.read_text())
        _, refused, _ = reader().page(path.name, path.read_bytes())
        for one in refused:
            assert said["visibility"] == "direct" and one.payload == b"", path.name


class _Event:
    def __init__(self, event: str, data: str) -> None:
        self.event, self.data = event, data


def _events(text: str) -> list[_Event]:
    """Of a recorded stream."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if fields:
            found.append(_Event(fields.get("event", "message"), fields.get("data", "")))
    return found
