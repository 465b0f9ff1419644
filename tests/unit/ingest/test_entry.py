"""Bad input is refused or mended, with words that say what was wrong, and nothing else is lost."""

from collections import Counter

import msgspec
import pytest

from tests.unit.ingest.items import KEY, NOW_MS, item, says_acme
from warn.ingest.door import Door, Policy
from warn.ingest.entry import MAX_TEXT, MAX_WORD, RefusedError, tidy_text
from warn.ingest.memory import Memory


def door() -> Door:
    return Door(KEY, Memory(), Policy((says_acme,)))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"text": "Acme \ud800 x"}, r"text: a lone surrogate \(\\ud800\) at character 5"),
        ({"author": "\udfff"}, "author: a lone surrogate"),
        ({"text": 5}, "text: int, where text belongs"),
        ({"created_ms": -1}, "created_at: -1 ms, outside the years 1970 to 9999"),
        ({"created_ms": 253_402_300_800_000}, "outside the years"),
        ({"created_ms": 1.5}, "created_at: float, where whole milliseconds belong"),
        ({"created_ms": True}, "created_at: bool"),
        ({"seen_ms": "now"}, "seen_at: str"),
        ({"source": ""}, "source: empty"),
        ({"id_": "x" * 3_000}, "id: 3,000 characters, 2,048 allowed"),
        ({"id_": "a\0b"}, "id: holds a NUL"),
        ({"thread": "a\0b"}, "thread: holds a NUL"),
        ({"reply_to": 7}, "reply_to: int"),
        ({"kind": "shout"}, "kind: none of post, reply"),
        ({"dated_by": "guess"}, "dated_by"),
    ],
)
def test_refused_with_the_field_and_the_reason(more: dict[str, object], message: str) -> None:
    at = door()
    with pytest.raises(RefusedError, match=message):
        at.admit(item(**more), now_ms=NOW_MS)
    assert len(at.memory) == 0


@pytest.mark.parametrize("created_ms", [0, NOW_MS + 366 * 86_400_000])
def test_1970_and_next_year_pass_for_match_to_leave_uncounted(created_ms: int) -> None:
    mention = door().admit(item(created_ms=created_ms), now_ms=NOW_MS)
    assert mention is not None
    assert (mention.created_ms, mention.seen_ms) == (created_ms, NOW_MS)


def test_a_megabyte_of_one_word_is_cut_and_its_neighbours_stay() -> None:
    mended: Counter[str] = Counter()
    text = tidy_text("Acme " + "x" * 1_000_000 + " kettle", mended)
    assert text == "Acme " + "x" * MAX_WORD + " kettle"
    assert mended == {"word": 1}


def test_an_endless_text_is_cut() -> None:
    mended: Counter[str] = Counter()
    assert len(tidy_text("Acme kettle " * 10_000, mended)) == MAX_TEXT
    assert mended == {"text": 1}


def test_what_is_only_shown_or_added_up_is_mended_and_counted() -> None:
    at = door()
    mention = at.admit(
        item(
            text="Acme\0kettle",
            followers=-4,
            engagement=(-1, 3, "many", 10**20),
            url="https://x.example/" + "a" * 5_000,
            lang="e\nn",
        ),
        now_ms=NOW_MS,
    )
    assert mention is not None
    assert mention.text == "Acme\ufffdkettle"
    assert (mention.followers, mention.engagement) == (0, (0, 3, 0, 10**12))
    assert (mention.url, mention.lang) == ("", "")
    assert at.counts["mended", "nul"] == 1
    assert at.counts["mended", "number"] == 4
    assert at.counts["mended", "label"] == 2
    msgspec.msgpack.encode(mention)


def test_no_refusal_quotes_what_it_read() -> None:
    with pytest.raises(RefusedError) as caught:
        door().admit(item("Marker\0", author="Marker", text="Marker"), now_ms=NOW_MS)
    assert "Marker" not in str(caught.value)
