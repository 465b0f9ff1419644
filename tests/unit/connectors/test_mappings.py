"""Each shipped mapping on a body as the service documents it: what it gives, and what it refuses without a trace."""

from pathlib import Path
from typing import Any

import pytest

from connectors.webhook import MAPPINGS
from tests.unit.connectors.mapped import AT, DAY, DAY_MS, read, whys
from warn.ingest.push.shipped import names


def test_calls_that_wait() -> None:
    body = {"timestamp": DAY, "interval_s": 30, "queues": [
        {"queue": "cards", "calls_waiting": 12}, {"queue": "loans", "calls_waiting": "3"}, {"queue": "closed"}]}  # fmt: skip
    batch = read("call_centre", body, topic="Acme/acme")
    assert [(r.source, r.topic, r.signal, r.value_milli, r.at_ms, r.interval_s) for r in batch.readings] == [
        ("care-cards", "Acme/acme", "care", 12_000, DAY_MS, 30),
        ("care-loans", "Acme/acme", "care", 3_000, DAY_MS, 30),
    ]
    assert len(batch.refused) == 1
    [alone] = read("call_centre", {"calls_waiting": 5}, topic="Acme/acme", source="phone").readings
    assert (alone.source, alone.value_milli, alone.at_ms) == ("phone", 5_000, int(AT * 1000))


def test_hootsuite() -> None:
    message = {"id": "77", "text": "Acme <b>kettle</b> smokes", "socialNetwork": "TWITTER", "createdDate": DAY,
               "author": {"id": "u1", "followersCount": 48_000}, "url": "https://x.com/a/status/77"}  # fmt: skip
    batch = read(
        "hootsuite",
        {"id": "e1", "data": [{"message": message}, {"messageType": "DIRECT_MESSAGE", "message": message}]},
    )
    [item] = batch.items
    assert (item.id, item.source, item.text, item.created_ms) == ("77", "x", "Acme kettle smokes", DAY_MS)
    assert (item.author, item.followers, item.url) == ("u1", 48_000, "https://x.com/a/status/77")
    assert whys(batch) == ["a direct message"]


def test_brandwatch() -> None:
    body = {"results": [{"resourceId": "r1", "contentSource": "reddit", "date": "2026-01-01T00:00:00.000+0000", "author": "someone",
        "fullText": "Acme &amp; fire", "url": "https://reddit.com/1", "language": "en", "impressions": 10, "likes": 3}]}  # fmt: skip
    [item] = read("brandwatch", body).items
    assert (item.id, item.source, item.kind, item.text, item.lang) == (
        "r1",
        "reddit",
        "post",
        "Acme & fire",
        "en",
    )
    assert (item.created_ms, item.engagement) == (DAY_MS, (3, 0, 0, 10))


def test_meltwater() -> None:
    body = {"documents": [{"external_id": "d1", "url": "https://press.example/1", "published_date": DAY, "source": {
        "type": "news", "domain": "press.example"}, "content": {"title": "Acme recalls", "opening_text": "Acme recalls kettles",
        "language_code": "en"}, "metrics": {"reach": 1000}}]}  # fmt: skip
    [item] = read("meltwater", body).items
    assert (item.id, item.source, item.kind, item.text) == ("d1", "press", "article", "Acme recalls kettles")
    assert (item.author, item.created_ms) == ("press.example", DAY_MS)


@pytest.mark.parametrize(
    "body",
    [
        {"MessageID": "m1", "Date": "Thu, 1 Jan 2026 00:00:00 +0000", "FromFull": {"Email": "a@b.example"}, "Subject": "Kettle",
         "TextBody": "Acme smokes", "Headers": [{"Name": "In-Reply-To", "Value": "m0"}]},
        {"message_id": "m1", "from": "a@b.example", "subject": "Kettle", "text": "Acme smokes", "timestamp": 1_767_225_600,
         "in_reply_to": "m0"},
        {"Message-Id": "m1", "sender": "a@b.example", "stripped-text": "Acme smokes", "timestamp": "1767225600", "In-Reply-To": "m0"},
    ],
)  # fmt: skip
def test_mail(body: dict[str, Any]) -> None:
    """As Postmark, SendGrid and Mailgun name things."""
    [item] = read("email", body, role="care").items
    assert (item.id, item.kind, item.text, item.author) == ("m1", "message", "Acme smokes", "a@b.example")
    assert (item.created_ms, item.thread) == (DAY_MS, "m0")


def test_viva_engage() -> None:
    message = {"id": 9, "sender_id": 5, "replied_to_id": 8, "thread_id": 7, "created_at": "2026/01/01 00:00:00 +0000", "language": "en",
               "privacy": "public", "direct_message": False, "message_type": "update", "body": {"plain": "Acme strike"},
               "liked_by": {"count": 2}, "web_url": "https://engage.example/9"}  # fmt: skip
    rows = [message, {**message, "direct_message": True}, {**message, "privacy": "private"}, {k: v for k, v in message.items() if k != "privacy"},
            {**message, "message_type": "system"}]  # fmt: skip
    batch = read("viva_engage", {"messages": rows})
    [item] = batch.items
    assert (item.id, item.thread, item.reply_to, item.author, item.text) == (
        "9",
        "7",
        "8",
        "5",
        "Acme strike",
    )
    assert (item.created_ms, item.engagement) == (DAY_MS, (2, 0, 0, 0))
    assert [why.split()[1] for why in whys(batch)] == ["direct", "closed", "closed", "notice"]


def test_salesforce() -> None:
    element = {"id": "0D5", "actor": {"id": "005"}, "type": "TextPost", "createdDate": DAY, "body": {"text": "Acme outage"},
               "parent": {"type": "Organization"}, "capabilities": {"chatterLikes": {"page": {"total": 4}}, "comments": {"page": {
               "items": [{"id": "0D7", "createdDate": DAY, "body": {"text": "here too"}, "user": {"id": "006"}}]}}}}  # fmt: skip
    group = {"type": "CollaborationGroup", "visibility": "PrivateAccess"}
    open_group = {
        **element,
        "id": "0D6",
        "capabilities": {},
        "parent": {**group, "visibility": "PublicAccess"},
    }
    batch = read("salesforce", {"elements": [element, {**element, "parent": group}, open_group]})
    assert [(i.id, i.kind, i.reply_to) for i in batch.items] == [
        ("0D5", "message", None),
        ("0D7", "comment", "0D5"),
        ("0D6", "message", None),
    ]
    assert batch.items[0].engagement == (4, 0, 0, 0)
    assert whys(batch) == ["a private group, or one of which it is not told"]


def test_an_intranet() -> None:
    post = {
        "id": 1,
        "visibility": "company",
        "title": "Canteen",
        "text": "<p>Acme soup</p>",
        "author": {"id": "s1"},
        "created": DAY,
    }
    batch = read("intranet", {"posts": [post, {**post, "visibility": "board"}, {"id": 2}]})
    [item] = batch.items
    assert (item.id, item.kind, item.text, item.author, item.created_ms) == (
        "1",
        "message",
        "Acme soup",
        "s1",
        DAY_MS,
    )
    assert len(whys(batch)) == 2


@pytest.mark.parametrize("mapping", ["pagerduty", "alertmanager"])
def test_what_tells_of_machines_is_no_mention(mapping: str) -> None:
    batch = read(mapping, {"event": {"id": "e"}, "alerts": [{"labels": {}}]})
    assert len(whys(batch)) == 1
    assert batch.items == ()


def test_every_mapping_says_what_it_reads_and_has_a_test() -> None:
    here = Path(__file__).parent
    text = "".join(path.read_text(encoding="utf-8") for path in here.glob("test_mappings*.py"))
    for name in names(MAPPINGS):
        assert f'"{name}"' in text, f"add a test of the mapping {name}"
        about = (MAPPINGS / f"{name}.yaml").read_text(encoding="utf-8")
        assert about.startswith("about: >\n"), name
