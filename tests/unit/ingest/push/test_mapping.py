"""Mappings: what they can say, what they refuse at load, and that nothing that comes in makes them raise."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from warn.ingest.connector import Batch
from warn.ingest.entry import check
from warn.ingest.push.body import BodyError, depth, parse
from warn.ingest.push.generic import take
from warn.ingest.push.mapped import CrowdedError, Terms, apply
from warn.ingest.push.mapping import Mapping

AT = 1_790_000_000.0
TERMS = Terms("hook", "hook", settings={"topic": "Acme/acme", "signal": "care"})
MOST = 5_000


def read(mapping: dict[str, Any], body: Any, terms: Terms = TERMS) -> Batch:
    return apply(Mapping.model_validate(mapping), body, AT, terms).batch


def mention(**fields: Any) -> dict[str, Any]:
    return {"mentions": [{"id": "id", "text": "text", **fields}]}


def test_values() -> None:
    body = {"id": 7, "verb": "add", "html": "<p>Smoke &amp; fire</p><p>everywhere</p>", "channel": "C1", "ts": "1.2",
            "refs": [{"type": "quoted", "id": 3}, {"type": "retweeted", "id": "4"}], "n": "12"}  # fmt: skip
    item = read(
        mention(
            kind={"path": "verb", "map": {"add": "comment"}},
            text=["nothing", {"path": "html", "html": True}],
            thread={"join": ["channel", "ts"], "with": ":"},
            reshare_of={"find": "refs", "where": "type", "is": {"const": "retweeted"}, "take": "id"},
            reply_to={"join": ["channel", "nothing"]},
            url={"path": "id", "prefix": "https://x.com/"},
            lang={"path": "nothing", "default": "nl"},
            followers="n",
            author={"path": "channel", "then": "somebody"},
            engagement={"likes": "n", "views": "nothing"},
        ),
        body,
    ).items[0]
    assert item.id == "7"
    assert item.kind == "comment"
    assert item.text == "Smoke & fire\neverywhere"
    assert item.thread == "C1:1.2"
    assert item.reshare_of == "4"
    assert item.reply_to is None
    assert (item.url, item.lang, item.followers, item.author) == ("https://x.com/7", "nl", 12, "somebody")
    assert item.engagement == (12, 0, 0, 0)
    # Nothing says when: it counts from when it came.
    assert (item.created_ms, item.dated_by) == (int(AT * 1000), "seen")


def test_conditions_and_refusals() -> None:
    mapping = {
        "each": "items[]",
        "refuse": [{"when": {"field": "to", "is": ["im", "mpim"]}, "why": "a direct message"}],
        "mentions": [
            {
                "when": [{"field": "item", "is": "comment"}, {"field": "by", "there": True}],
                "id": "id",
                "text": "text",
            },
            {
                "when": {"field": "item", "is_not": ["comment", "noise"]},
                "id": "id",
                "kind": {"const": "article"},
                "text": "t",
            },
        ],
    }
    rows = [
        {"id": 1, "item": "comment", "by": 0, "text": "Marker Person's text"},
        {"id": 2, "item": "comment", "text": "no by"},
        {"id": 3, "item": "noise"},
        {"id": 4, "t": "no item at all"},
        {"id": 5, "item": "comment", "by": 1, "to": "im", "text": "Marker Person's secret"},
        {"item": "x"},
    ]
    batch = read(mapping, {"items": rows})
    assert [(item.id, item.kind) for item in batch.items] == [("1", "post"), ("4", "article")]
    assert [(one.where, one.message) for one in batch.refused] == [
        ("hook element 1", "no rule of the mapping fits it"),
        ("hook element 2", "no rule of the mapping fits it"),
        ("hook element 4", "a direct message"),
        ("hook element 5", "id: is not there"),
    ]
    # What was understood and not wanted leaves nothing; what could not be read is kept, unless people are protected.
    assert [bool(one.payload) for one in batch.refused] == [True, True, False, True]
    quiet = read(mapping, {"items": rows}, TERMS._replace(keeps=False))
    assert not any(one.payload for one in quiet.refused)
    only = (
        Mapping.model_validate({"refuse": [{"when": {"field": "item", "is": "comment"}, "why": "not it"}]})
        .refuse[0]
        .when
    )
    assert [item.id for item in read(mapping, {"items": rows}, TERMS._replace(only=only)).items] == ["1"]


def test_readings() -> None:
    mapping = {"readings": [{"value": "n", "at": "at", "source": {"const": "phone"}}]}
    [reading] = read(mapping, {"n": "12.5", "at": 1_700_000_000}).readings
    assert (reading.source, reading.topic, reading.signal, reading.value_milli) == (
        "phone",
        "Acme/acme",
        "care",
        12_500,
    )
    assert (reading.at_ms, reading.interval_s) == (1_700_000_000_000, 60)
    for bad in (None, "many", -1, True, [], "nan", "inf", float("inf")):
        assert read(mapping, {"n": bad, "at": 1}).readings == ()
    assert "topic" in read(mapping, {"n": 1, "at": 1}, Terms("hook", "hook")).refused[0].message


def test_what_is_within_what() -> None:
    mapping = {
        "each": "[]",
        "within": "replies[]",
        "mentions": [{"id": "id", "text": "text", "reply_to": "^.id"}],
    }
    tree = {"id": 1, "replies": [{"id": 2, "replies": [{"id": 3}]}, {"id": 4}]}
    assert [(item.id, item.reply_to) for item in read(mapping, [tree]).items] == [
        ("1", None), ("2", "1"), ("3", "2"), ("4", "1")]  # fmt: skip
    with pytest.raises(CrowdedError):
        read(mapping, [{"id": n} for n in range(MOST + 1)])


@pytest.mark.parametrize(
    ("mapping", "place", "message"),
    [
        ({}, (), "has rules"),
        ({"mentions": [{"text": "a"}]}, ("mentions", 0, "id"), "required"),
        ({"mentions": [{"id": "a..b"}]}, ("mentions", 0, "id"), "empty step"),
        ({"mentions": [{"id": "a[]"}]}, ("mentions", 0, "id"), "only `each`"),
        ({"mentions": [{"id": 7}]}, ("mentions", 0, "id"), "a path"),
        ({"mentions": [{"id": "a", "txt": "b"}]}, ("mentions", 0, "txt"), "Extra"),
        ({"mentions": [{"id": "a", "kind": {"const": "tweet"}}]}, ("mentions", 0, "kind"), "there are: post"),
        ({"mentions": [{"id": "a", "kind": {"path": "v", "map": {"add": "tweet"}}}]}, ("mentions", 0, "kind"), "tweet"),
        ({"mentions": [{"id": {"path": "a", "const": 1}}]}, ("mentions", 0, "id"), "exactly one"),
        ({"mentions": [{"id": {"path": "a", "eval": "1"}}]}, ("mentions", 0, "id"), "no `eval`"),
        ({"mentions": [{"id": {"path": "a", "as": "hex"}}]}, ("mentions", 0, "id"), "as: one of"),
        ({"mentions": [{"id": {"join": []}}]}, ("mentions", 0, "id"), "1 to 32"),
        ({"mentions": [{"id": {"find": "a", "where": "b"}}]}, ("mentions", 0, "id"), "missing"),
        ({"mentions": [{"id": {"path": {"path": {"path": {"path": {"path": "a"}}}}}}]}, ("mentions", 0, "id"), "nested"),
        ({"mentions": [{"id": "a", "when": {"field": "b"}}]}, ("mentions", 0, "when", 0), "a condition says"),
        ({"mentions": [{"id": "a", "when": {"field": "b", "is": {}}}]}, ("mentions", 0, "when", 0), "is: text"),
        ({"refuse": [{"when": []}]}, ("refuse", 0, "why"), "required"),
        ({"readings": [{"topic": "a"}]}, ("readings", 0, "value"), "required"),
        ({"each": ["a", 3], "mentions": [{"id": "a"}]}, ("each",), "a path"),
    ],
)  # fmt: skip
def test_mistakes_have_their_place(
    mapping: dict[str, Any], place: tuple[str | int, ...], message: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        Mapping.model_validate(mapping)
    [error] = caught.value.errors()
    assert error["loc"] == place
    assert message in error["msg"]


def test_our_own_form() -> None:
    rows = [
        {"id": "1", "text": "Acme", "created_at": "2026-01-01T00:00:00Z", "engagement": {"likes": 3}},
        {"id": 2, "source": "forum", "kind": "comment", "created_at": 1_767_225_600, "reply_to": 1},
        {"id": "3"},
        {"value": 12, "topic": "Acme/acme", "at": 1_767_225_600},
        {"value": 12, "signal": "mentions", "interval_s": 300},
        {"value": "12"}, {"value": 1, "extra": 1}, {"text": "no id"}, {"id": "4", "kind": "tweet"}, 7, None,
        {"id": "5", "created_at": "never"}, {"id": ""}, {"id": "6", "followers": "many"},
    ]  # fmt: skip
    batch = take({"type": "a", "timestamp": "2026-01-01T00:00:00Z", "data": rows}, AT, TERMS)
    assert [(i.id, i.source, i.kind, i.created_ms, i.dated_by) for i in batch.items] == [
        ("1", "hook", "post", 1_767_225_600_000, "created"),
        ("2", "forum", "comment", 1_767_225_600_000, "created"),
        ("3", "hook", "post", int(AT * 1000), "seen"),
    ]
    assert batch.items[0].engagement == (3, 0, 0, 0)
    assert [(r.topic, r.signal, r.value_milli, r.interval_s) for r in batch.readings] == [
        ("Acme/acme", "care", 12_000, 60), ("Acme/acme", "mentions", 12_000, 300)]  # fmt: skip
    assert len(batch.refused) == 9
    assert [i.id for i in take(rows[0], AT, TERMS).items] == ["1"]
    assert [i.id for i in take({"data": rows[0]}, AT, TERMS).items] == ["1"]
    with pytest.raises(CrowdedError):
        take([rows[0]] * (MOST + 1), AT, TERMS)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "text", "data", "value", "items", "created_at", "refs", "at"]), inner
        )
    ),
    max_leaves=20,
)
EVERYTHING = {
    "each": ["items[]", "data[].items[]", "$"],
    "within": "items[]",
    "once": "id",
    "refuse": [{"when": {"field": "text", "is": "a"}, "why": "not wanted"}],
    "mentions": [
        {
            "id": ["id", {"join": ["text", "value"], "with": "/"}],
            "created": ["created_at", {"path": "at", "as": "snowflake"}, {"arrival": True}],
            "kind": [{"path": "value", "map": {"true": "comment", "1": "reply"}}, "value", {"const": "post"}],
            "text": {"path": ["text", "data"], "html": True},
            "author": "refs", "followers": "value", "url": {"path": "text", "prefix": "https://"},
            "thread": {"find": "refs", "where": "id", "is": "id", "take": "text"},
            "reply_to": "^.id", "source": "text",
            "engagement": {"likes": "value", "views": "at"},
        },
        {"each": "refs[]", "when": {"field": "refs", "there": True}, "id": "id", "text": "^.text"},
    ],
    "readings": [{"when": {"field": "value", "is_not": ["x"]}, "value": "value", "at": "at", "interval_s": "id"}],
}  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(JSON)
def test_whatever_comes_in_nothing_raises(body: Any) -> None:
    """Every element becomes something that passes the door, or a refusal with a reason; twice the same."""
    for batch in (read(EVERYTHING, body), take(body, AT, TERMS)):
        assert len(batch.items) + len(batch.readings) + len(batch.refused) <= 4 * MOST
        for item in batch.items:
            check(item)
        for reading in batch.readings:
            assert 0 <= reading.value_milli <= 10**15
        for one in batch.refused:
            assert one.message
            assert len(one.payload) <= 4_096
    assert read(EVERYTHING, body) == read(EVERYTHING, body)
    made = read(EVERYTHING, body)
    assert made.items or made.readings or made.refused


@given(st.binary(max_size=200) | JSON.map(lambda one: json.dumps(one).encode()))
def test_parsing_says_what_is_wrong_or_what_it_says(body: bytes) -> None:
    with suppress(BodyError):  # and nothing else
        parse(body)


@given(JSON)
def test_depth_is_what_a_parser_would_find(body: Any) -> None:
    def deep(one: Any) -> int:
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else None
        return 0 if inner is None else 1 + max(map(deep, inner), default=0)

    assert depth(json.dumps(body).encode(), 100) == deep(body)
    assert depth(json.dumps({'a"[\\': ["]\\\\", "[[[["]}).encode()) == 2


def test_depth_is_bounded() -> None:
    assert parse(b"[" * 32 + b"]" * 32)
    with pytest.raises(BodyError, match="32 levels"):
        parse(b"[" * 33 + b"]" * 33)
    with pytest.raises(BodyError, match="32 levels"):
        parse(b"[" * 1_000_000)
