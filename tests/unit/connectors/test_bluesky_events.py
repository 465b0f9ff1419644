"""What the records of Bluesky say, piece by piece."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.bluesky.events import POST, PROFILE, item_of, read_first, read_second
from warn.ingest.entry import check
from warn.model.mention import Item

DID = "did:plc:abc"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["uri", "record", "external", "media", "index", "features", "root"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def event(record: Any, collection: str = POST, operation: str = "create") -> str:
    commit = {"operation": operation, "collection": collection, "rkey": "k", "rev": "r", "record": record}
    return json.dumps({"did": DID, "time_us": 1_780_000_000_123_456, "kind": "commit", "commit": commit})


def item(record: Any, collection: str = POST, operation: str = "create") -> Item:
    found = item_of("bluesky", read_first(event(record, collection, operation)))
    assert found is not None
    return found


def facet(text: str, shown: str, uri: str) -> dict[str, Any]:
    start = len(text[: text.index(shown)].encode())
    index = {"byteStart": start, "byteEnd": start + len(shown.encode())}
    return {"index": index, "features": [{"$type": "app.bsky.richtext.facet#link", "uri": uri}]}


def test_a_post() -> None:
    found = item({"text": "Acme", "langs": ["nl-BE", "en"], "createdAt": "1999-01-01T00:00:00Z"})
    assert found == Item(
        source="bluesky", id=f"at://{DID}/{POST}/k", created_ms=1_780_000_000_123, author=DID, text="Acme", lang="nl",
        url=f"https://bsky.app/profile/{DID}/post/k",
    )  # fmt: skip


def test_a_reply_that_quotes() -> None:
    ref = {"uri": f"at://x/{POST}/1", "cid": "c"}
    other = {"uri": f"at://y/{POST}/2", "cid": "c"}
    quoted = {"uri": f"at://z/{POST}/3", "cid": "c"}
    found = item({"text": "no", "reply": {"root": ref, "parent": other}, "embed": {"record": quoted}})
    assert (found.kind, found.thread, found.reply_to, found.reshare_of) == (
        "reply", ref["uri"], other["uri"], quoted["uri"],
    )  # fmt: skip


@pytest.mark.parametrize("deep", [False, True])
def test_a_quote(deep: bool) -> None:
    ref = {"uri": f"at://z/{POST}/3", "cid": "c"}
    card = {"external": {"uri": "https://news.example/1", "title": "Acme burns"}}
    embed = {"record": {"record": ref}, "media": card} if deep else {"record": ref}
    found = item({"text": "look", "embed": embed})
    assert (found.kind, found.reshare_of) == ("quote", ref["uri"])
    assert found.text == ("look\nAcme burns\nhttps://news.example/1" if deep else "look")


def test_a_list_that_is_embedded_is_no_quote() -> None:
    found = item({"text": "", "embed": {"record": {"uri": "at://z/app.bsky.graph.list/3"}}})
    assert (found.kind, found.reshare_of) == ("post", None)


def test_links_that_are_cut_short_are_made_whole_by_bytes() -> None:
    text = "Vuur 🔥 bij www.acme.example/pro… en https://b.example/…, echt"
    found = item(
        {"text": text, "facets": [facet(text, "https://b.example/…", "https://b.example/long?x=1"),
                                  facet(text, "www.acme.example/pro…", "https://www.acme.example/product/7")]}
    )  # fmt: skip
    assert found.text == "Vuur 🔥 bij https://www.acme.example/product/7 en https://b.example/long?x=1, echt"


def test_words_that_lead_somewhere_stay() -> None:
    text = "read Acme's answer"
    found = item({"text": text, "facets": [facet(text, "Acme's answer", "https://acme.example/a")]})
    assert found.text == "read Acme's answer\nhttps://acme.example/a"


@pytest.mark.parametrize(("start", "end"), [(1, 3), (0, 99), (-3, 2), (4, 2), (2, 6)])
def test_a_link_into_the_middle_of_a_character_or_nowhere(start: int, end: int) -> None:
    uri = "https://x.example/"
    where = {"index": {"byteStart": start, "byteEnd": end}, "features": [{"uri": uri}]}
    assert item({"text": "🔥🔥", "facets": [where, where]}).text == f"🔥🔥\n{uri}"


def test_an_edit_and_a_delete_have_the_id_of_the_post() -> None:
    assert item({"text": "new"}, operation="update").kind == "edit"
    gone = item(None, operation="delete")
    assert (gone.kind, gone.id, gone.text) == ("delete", item({"text": "x"}).id, None)


@pytest.mark.parametrize(("name", "kind"), [("like", "like"), ("repost", "repost")])
def test_likes_and_reposts(name: str, kind: str) -> None:
    found = item({"subject": {"uri": "at://x/y/z", "cid": "c"}}, f"app.bsky.feed.{name}")
    assert (found.kind, found.reshare_of, found.text, found.url) == (kind, "at://x/y/z", None, None)


def test_a_record_of_another_kind_is_none_of_ours() -> None:
    assert item_of("bluesky", read_first(event({"subject": "did:plc:x"}, "app.bsky.graph.follow"))) is None


def test_news_of_accounts_that_go_on_say_nothing() -> None:
    said = read_first(json.dumps({"did": DID, "time_us": 7, "kind": "identity", "identity": {"seq": 1}}))
    assert (said.us, said.operation) == (7, "")
    payload = {
        "$type": "n.b.j.subscribeEvents#identity",
        "seq": 3,
        "did": DID,
        "time": "1970-01-01T00:00:01.5Z",
    }
    assert read_second(json.dumps({"$type": "message", "payload": payload})) == said._replace(
        us=1_500_000, seq=3
    )


@given(
    st.fixed_dictionaries(
        {"text": st.text(max_size=20)}, optional=dict.fromkeys(["embed", "facets", "reply", "langs"], JSON)
    )
)
def test_whatever_a_record_holds_becomes_an_item_that_may_pass(record: dict[str, Any]) -> None:
    check(item(record))


def news(kind: str, version: int, **more: Any) -> str:
    """What version 1 says of somebody's account, and version 2 in other words."""
    said = {"did": DID, "seq": 9, "time": "2026-05-25T14:23:29.950Z", **more}
    if version == 1:
        return json.dumps({"did": DID, "time_us": 1_780_000_000_123_456, "kind": kind, kind: said})
    payload = {"$type": f"network.bsky.jetstream.subscribeEvents#{kind}", "did": DID, "seq": 7,
               "time": "2026-05-28T20:26:40.123456Z", kind: said}  # fmt: skip
    return json.dumps({"$type": "message", "payload": payload})


@pytest.mark.parametrize("version", [1, 2])
def test_which_accounts_are_gone(version: int) -> None:
    read = {1: read_first, 2: read_second}[version]
    for status in ("deleted", "takendown", "suspended", "deactivated", None, "of a later day"):
        found = read(news("account", version, active=False, status=status))
        assert (found.departed, found.did, found.operation) == (True, DID, ""), status
        assert item_of("bluesky", found) is None
    for status in ("throttled", "desynchronized"):
        assert not read(news("account", version, active=False, status=status)).departed, status
    assert not read(news("account", version, active=True)).departed
    assert not read(news("identity", version, handle="acme.example")).departed
    with pytest.raises(msgspec.ValidationError):
        read(news("account", version, active="no"))


def test_how_an_account_calls_itself() -> None:
    said = {
        "displayName": "Acme Support",
        "description": "we help\nyou",
        "createdAt": "2026-02-14T23:48:34.991Z",
    }
    found = item(said, PROFILE, "update")
    assert found == Item(
        source="bluesky", id=f"at://{DID}/{PROFILE}/k", created_ms=1_780_000_000_123, kind="profile", author=DID,
        text="Acme Support\nwe help\nyou", url=f"https://bsky.app/profile/{DID}",
    )  # fmt: skip
    assert item({"displayName": 5, "description": None}, PROFILE).text == ""
    assert item(None, PROFILE, "delete").kind == "delete"


@pytest.mark.parametrize("version", [1, 2])
def test_what_an_account_is_called_now(version: int) -> None:
    read = {1: read_first, 2: read_second}[version]
    found = item_of("bluesky", read(news("identity", version, handle="acme.example")))
    assert found is not None
    assert (found.kind, found.id, found.text, found.author) == (
        "profile",
        f"at://{DID}",
        "@acme.example",
        DID,
    )
    check(found)
    assert item_of("bluesky", read(news("identity", version))) is None
