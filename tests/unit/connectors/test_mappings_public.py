"""Mappings of places where anybody may write, on bodies as the services document them."""

from typing import Any

import pytest

from tests.unit.connectors.mapped import DAY, DAY_MS, read, whys


def test_slack() -> None:
    event = {"type": "message", "channel": "C1", "channel_type": "channel", "user": "U1", "ts": "1700000000.000100", "thread_ts": "1699999999.5",
             "text": "Acme &amp; <https://a.example|smoke> <@U2>"}  # fmt: skip
    [item] = read("slack", {"event_id": "Ev1", "event": event}).items
    assert (item.id, item.kind, item.thread, item.reply_to) == (
        "C1:1700000000.000100",
        "message",
        "C1:1699999999.5",
        "C1:1699999999.5",
    )
    assert (item.text, item.author, item.created_ms) == ("Acme & smoke", "U1", 1_700_000_000_000)
    changed = {"type": "message", "subtype": "message_changed", "channel": "C1", "channel_type": "channel", "event_ts": "1700000050.1",
               "message": {"ts": "1700000000.000100", "user": "U1", "text": "Acme burns"}}  # fmt: skip
    [edit] = read("slack", {"event": changed}).items
    assert (edit.kind, edit.id, edit.text, edit.created_ms) == (
        "edit",
        item.id,
        "Acme burns",
        1_700_000_050_100,
    )
    gone = {**changed, "subtype": "message_deleted", "deleted_ts": "1700000000.000100"}
    [delete] = read("slack", {"event": gone}).items
    assert (delete.kind, delete.id, delete.text) == ("delete", item.id, None)
    for kind in ("im", "mpim", "group", "", None):
        batch = read("slack", {"event": {**event, "channel_type": kind}})
        assert (batch.items, len(whys(batch))) == ((), 1)
    for one in (
        {**event, "bot_id": "B1"},
        {**event, "subtype": "channel_join"},
        {"type": "reaction_added"},
        {**event, "type": "app_mention"},
    ):
        assert len(whys(read("slack", {"event": one}))) == 1
    only = {"field": "event.channel", "is": ["C2"]}
    assert whys(read("slack", {"event": event}, only=only)) == ["not what `only` lets in"]


def test_meta() -> None:
    def page(**value: Any) -> dict[str, Any]:
        return {
            "object": "page",
            "entry": [{"id": "P", "time": 1_767_225_600, "changes": [{"field": "feed", "value": value}]}],
        }

    comment = {"item": "comment", "verb": "add", "post_id": "P_1", "comment_id": "P_1_2", "parent_id": "P_1", "from": {"id": "U"},
               "message": "Acme?", "created_time": 1_767_225_600}  # fmt: skip
    [item] = read("meta", page(**comment)).items
    assert (item.id, item.kind, item.thread, item.reply_to, item.text) == (
        "P_1_2",
        "comment",
        "P_1",
        "P_1",
        "Acme?",
    )
    assert (item.author, item.created_ms) == ("U", DAY_MS)
    assert [i.kind for i in read("meta", page(**{**comment, "verb": "edited"})).items] == ["edit"]
    assert [i.kind for i in read("meta", page(**{**comment, "verb": "remove"})).items] == ["delete"]
    [like] = read("meta", page(item="reaction", verb="add", post_id="P_1", **{"from": {"id": "U"}})).items
    assert (like.kind, like.reply_to) == ("like", "P_1")
    assert whys(read("meta", page(**{**comment, "from": {"id": "P"}}))) == ["written by our own page"]
    messages = {
        "object": "page",
        "entry": [{"id": "P", "messaging": [{"sender": {"id": "U"}, "message": {"text": "Marker secret"}}]}],
    }
    assert whys(read("meta", messages)) == ["a direct message"]
    value = {"id": "c", "text": "Acme", "from": {"id": "U", "username": "u"}, "media": {"id": "m"}}
    gram = {
        "object": "instagram",
        "entry": [{"id": "I", "time": 1_767_225_600, "changes": [{"field": "comments", "value": value}]}],
    }
    [under] = read("meta", gram).items
    assert (under.id, under.kind, under.thread, under.reply_to, under.created_ms) == (
        "c",
        "comment",
        "m",
        "m",
        DAY_MS,
    )


def test_x() -> None:
    post = {"id": "1746886459223552001", "text": "Acme &amp; co", "author_id": "9", "created_at": DAY, "conversation_id": "1", "lang": "en",
            "referenced_tweets": [{"type": "quoted", "id": "5"}, {"type": "replied_to", "id": "6"}], "public_metrics": {"like_count": 2}}  # fmt: skip
    users = {"users": [{"id": "9", "username": "a", "public_metrics": {"followers_count": 48_000}}]}
    [item] = read("x", {"data": post, "includes": users}).items
    assert (item.kind, item.text, item.followers, item.thread) == ("quote", "Acme & co", 48_000, "1")
    assert (item.reshare_of, item.reply_to, item.engagement) == ("5", "6", (2, 0, 0, 0))
    batch = read("x", {"data": [{"start": DAY, "end": DAY, "tweet_count": 7}]}, topic="Acme/acme")
    assert [(r.signal, r.value_milli, r.at_ms) for r in batch.readings] == [("mentions", 7_000, DAY_MS)]
    assert whys(read("x", {"errors": [{"title": "operational-disconnect"}]})) == [
        "an error or notice of the service, no post"
    ]
    old = {"direct_message_events": [{"message_create": {"message_data": {"text": "Marker secret"}}}]}
    assert whys(read("x_v1", old)) == ["a direct message"]
    assert whys(read("x_v1", {"id_str": "1", "text": "a", "user": {"protected": True}})) == [
        "a protected account"
    ]


def test_zendesk() -> None:
    detail = {
        "id": "9",
        "subject": "Kettle",
        "description": "Acme smokes",
        "requester_id": "7",
        "created_at": DAY,
    }
    [ticket] = read(
        "zendesk", {"id": "e", "type": "zen:event-type:ticket.created", "time": DAY, "detail": detail}
    ).items
    assert (ticket.id, ticket.kind, ticket.text, ticket.author) == ("9", "ticket", "Kettle\nAcme smokes", "7")
    note = {"type": "zen:event-type:ticket.comment_added", "time": DAY, "detail": detail, "event": {"comment": {
        "id": "c", "body": "Marker secret", "is_public": False, "author": {"id": "7"}}}}  # fmt: skip
    assert whys(read("zendesk", note)) == ["an internal note"]
    note["event"]["comment"]["is_public"] = True  # type: ignore[index]
    [comment] = read("zendesk", note).items
    assert (comment.id, comment.kind, comment.reply_to) == ("9/c", "comment", "9")


@pytest.mark.parametrize("event", ["comment_redacted", "comment_made_private"])
def test_zendesk_takes_back_what_was_redacted(event: str) -> None:
    """Of the ticket, too: its first message is a comment, and an event does not say whether it is the first."""
    detail = {"id": "9", "subject": "Kettle", "description": "My name is ▇▇▇▇"}
    body = {"type": f"zen:event-type:ticket.{event}", "time": DAY, "detail": detail, "event": {"comment": {
        "id": "c", "body": "My name is ▇▇▇▇", "is_public": False}}}  # fmt: skip
    found = read("zendesk", body)
    assert not found.refused
    assert [(i.id, i.kind, i.text) for i in found.items] == [("9", "edit", None), ("9/c", "edit", None)]


@pytest.mark.parametrize("event", ["soft_deleted", "permanently_deleted"])
def test_zendesk_deletes(event: str) -> None:
    body = {
        "type": f"zen:event-type:ticket.{event}",
        "time": DAY,
        "detail": {"id": "9", "subject": "SCRUBBED"},
    }
    assert [(i.id, i.kind, i.text) for i in read("zendesk", body).items] == [("9", "delete", None)]


def test_linkedin() -> None:
    one = {"notificationId": 3, "action": "COMMENT", "sourcePost": "urn:li:share:1", "generatedActivity": "urn:li:comment:2",
           "lastModifiedAt": DAY_MS, "decoratedGeneratedActivity": {"comment": {"text": "Acme?", "owner": "urn:li:person:4"}}}  # fmt: skip
    rows = [one, {**one, "action": "COMMENT_DELETE"}, {**one, "action": "ADMIN_COMMENT"}, {"notificationId": 4, "action": "LIKE",
            "sourcePost": "urn:li:share:1", "lastModifiedAt": DAY_MS}]  # fmt: skip
    batch = read("linkedin", {"type": "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS", "notifications": rows})
    assert [(i.id, i.kind, i.reply_to) for i in batch.items] == [
        ("urn:li:comment:2", "comment", "urn:li:share:1"), ("urn:li:comment:2", "delete", "urn:li:share:1"),
        ("like/4", "like", "urn:li:share:1")]  # fmt: skip
    assert whys(batch) == ["written by our own page"]


def test_telegram() -> None:
    post = {
        "message_id": 5,
        "chat": {"id": -1001, "username": "acme", "type": "channel"},
        "date": 1_767_225_600,
        "text": "Acme",
    }
    [item] = read("telegram", {"update_id": 1, "channel_post": post}).items
    assert (item.id, item.url, item.created_ms) == ("-1001/5", "https://t.me/acme/5", DAY_MS)
    [edit] = read(
        "telegram",
        {"update_id": 2, "edited_channel_post": {**post, "text": "Acme!", "edit_date": 1_767_225_660}},
    ).items
    assert (edit.kind, edit.id, edit.created_ms) == ("edit", "-1001/5", DAY_MS + 60_000)
    closed = {**post, "chat": {"id": -1002, "type": "channel"}}
    for one in (
        {"channel_post": closed},
        {"edited_channel_post": closed},
        {"message": {"text": "Marker secret"}},
        {},
    ):
        assert len(whys(read("telegram", one))) == 1


def test_youtube_and_reddit() -> None:
    snippet = {"textOriginal": "Acme", "authorChannelId": {"value": "UC"}, "publishedAt": DAY, "likeCount": 2}
    reply = {"id": "t.r", "snippet": {**snippet, "parentId": "t"}}
    thread = {
        "id": "t",
        "snippet": {"videoId": "v", "topLevelComment": {"id": "t", "snippet": snippet}},
        "replies": {"comments": [reply]},
    }
    items = read("youtube", {"items": [thread]}).items
    assert [(i.id, i.reply_to, i.url) for i in items] == [
        ("t", None, "https://www.youtube.com/watch?v=v&lc=t"), ("t.r", "t", "https://www.youtube.com/watch?v=v&lc=t.r")]  # fmt: skip
    inner = {
        "kind": "t1",
        "data": {
            "name": "t1_b",
            "body": "here too",
            "created_utc": 1_767_225_600,
            "link_id": "t3_a",
            "parent_id": "t3_a",
        },
    }
    post = {"kind": "t3", "data": {"name": "t3_a", "title": "Acme", "selftext": "smokes", "created_utc": 1_767_225_600.0, "score": 5,
            "permalink": "/r/a/1", "replies": {"data": {"children": [inner, {"kind": "t4", "data": {"body": "Marker secret"}}]}}}}  # fmt: skip
    batch = read("reddit", {"data": {"children": [post]}})
    assert [(i.id, i.kind, i.text, i.thread) for i in batch.items] == [
        ("t3_a", "post", "Acme\nsmokes", None),
        ("t1_b", "comment", "here too", "t3_a"),
    ]
    assert whys(batch) == ["a direct message"]
