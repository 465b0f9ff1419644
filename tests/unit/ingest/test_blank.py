"""What has to go is found as words of its own, also where a letter was cut; what is left is a place and a time."""

from base64 import b64encode

import pytest

from warn.ingest.blank import Blanker, Gone, names_of
from warn.model.flow import DEADLETTERS, EVIDENCE, MENTIONS
from warn.model.mention import Mention
from warn.model.records import Clock, DeadLetter, Parcel
from warn.model.wire import decode_deadletter, decode_mentions, encode

GONE = Gone(frozenset({5}), frozenset({8}), names_of("@marked_one", "Marked Óne"))


def letter(**more: object) -> DeadLetter:
    return DeadLetter(
        **({"where": "feed 7", "reason": "malformed", "message": "no date", "at": 1, "payload": b""} | more)
    )


@pytest.mark.parametrize(
    "one",
    [
        letter(payload=b'{"by": "marked_one", "text": "x"}'),
        letter(payload=b'{"by": "\\u006darked_one"}'),
        letter(payload="so says MARKED ÓNE".encode()),
        letter(payload=b'{"author":"marked_on'),
        letter(where="/srv/marked_one/a.jsonl:7", payload=b"{}"),
        letter(message="of marked_one"),
    ],
)
def test_a_letter_that_names_them_says_nothing_more(one: DeadLetter) -> None:
    left = Blanker(GONE).of(DEADLETTERS)(encode(one))
    assert left is not None
    after = decode_deadletter(left)
    assert after.payload == b"" and "marked" not in (after.where + after.message).lower()
    assert (after.reason, after.at) == (one.reason, one.at)
    assert Blanker(GONE).of(DEADLETTERS)(left) is None, "done twice, it finds nothing more"


@pytest.mark.parametrize(
    "one",
    [
        letter(payload=b"unmarked_one and marked_ones"),
        letter(payload=b"marks"),
        letter(payload=b"ma"),
        letter(),
    ],
)
def test_other_letters_stay(one: DeadLetter) -> None:
    assert Blanker(GONE).of(DEADLETTERS)(encode(one)) is None


def test_of_a_parcel_only_what_is_theirs_goes() -> None:
    mentions = (
        Mention("forum", 1, 1, "post", "mine", 9, author=5, url="https://x.example/a", id="a", followers=3),
        Mention("forum", 8, 8, "post", "deleted", 9, author=6, id="b"),
        Mention("forum", 3, 3, "post", "ask @Marked_One!", 9, author=6, id="c"),
        Mention("forum", 4, 4, "post", "ask marked_ones", 9, author=6, id="d"),
    )
    blanker = Blanker(GONE)
    left = blanker.of(MENTIONS)(encode(Parcel(mentions)))
    assert left is not None
    parcel = decode_mentions(left)
    assert isinstance(parcel, Parcel)
    assert [m.text for m in parcel.mentions] == ["", "", "", "ask marked_ones"]
    assert [(m.author, m.url, m.id, m.followers) for m in parcel.mentions[:3]] == [(0, "", "", 0)] * 3
    assert [m.key for m in parcel.mentions] == [1, 8, 3, 4] and blanker.found == {1, 8, 3}
    assert Blanker(GONE).of(MENTIONS)(left) is None


@pytest.mark.parametrize("topic", [MENTIONS, EVIDENCE, DEADLETTERS])
def test_what_cannot_be_read_is_left_alone(topic: str) -> None:
    for raw in (b"", b"\xc1", encode(["zz", 1]), encode(Clock(5))):
        assert Blanker(GONE).of(topic)(raw) is None


@pytest.mark.parametrize(
    "text",
    [
        "https://x.example/%40marked_one/1",
        "https://x.example/?to=https%253A%252F%252Fy.example%252F%2540marked_one",
        "https://x.example/marked-%C3%B3ne-was-here",
        "https://x.example/?q=Marked+%C3%93ne",
        "&#64;marked_one and &#x40;others",
        "Marked&nbsp;&Oacute;ne",
        r'{"text": "so\nmarked_one said", "by": "x"}',
        r'{"by": "Marked \u00d3ne"}',
        "marked.xn--ne-4ja.example",
        "MARKED_ONE@mail.example",
        "a word " * 300 + "by marked_o",
        "Marked <b>&Oacute;ne</b>, they say",
        "#MarkedÓne and @markedone",
        "Óne, Marked",
        "bWFya2VkX29uZQ== is what it said",
        "data:text/plain;base64,d2hvIGlzIG1hcmtlZF9vbmUgdGhlbj8=",
    ],
)
def test_a_name_is_found_however_it_is_written(text: str) -> None:
    assert GONE.said(text)


@pytest.mark.parametrize(
    "text",
    [
        "100%abmarked_ones",
        "%zz",
        "\\uD83D alone",
        "xn--\u20ac",
        "&bogus; marks",
        "by marked_o",
        "a word " * 300 + "ma",
    ],
)
def test_what_only_looks_alike_is_not(text: str) -> None:
    assert not GONE.said(text)


def test_a_letter_in_base64_is_opened() -> None:
    hidden = b64encode("From: Marked Óne <a@b.example>".encode()).decode()
    left = Blanker(GONE).of(DEADLETTERS)(encode(letter(payload=f'{{"raw": "{hidden}"}}'.encode())))
    assert left is not None and decode_deadletter(left).payload == b""


def test_a_name_that_stands_in_everything_is_refused() -> None:
    with pytest.raises(ValueError, match="stands in everything"):
        names_of("@al")
