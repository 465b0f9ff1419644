"""A recording is read whatever is wrong with single lines, and always in one order."""

import gzip
import io
import json
import random
from pathlib import Path
from types import SimpleNamespace

import pytest

from warn.ingest import recording
from warn.ingest.connector import Refused
from warn.ingest.recording import Recording, read_items

GOOD = '{"id": "1", "source": "forum", "created_at": "2024-05-01T10:00:00Z", "text": "Acme"}'


def read(tmp_path: Path, *lines: str | bytes, **more: int) -> tuple[Recording, list[Refused]]:
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"\n".join(one.encode() if isinstance(one, str) else one for one in lines) + b"\n")
    refused: list[Refused] = []
    return read_items([path], on_refused=refused.append, **more), refused


def line(**more: object) -> str:
    return json.dumps({"id": "2", "source": "forum", "created_at": "2024-05-01T10:00:00Z"} | more)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ('{"id": "2"', "truncated"),
        ("not json at all", "JSON is malformed"),
        ("[1, 2]", "Expected `object`, got `array`"),
        (b'{"id": "\xff"}', "not UTF-8 at byte"),
        ('{"id": "2", "source": "forum"}', "missing required field `created_at`"),
        (line(id=2), "id: Expected `str`, got `int`"),
        (line(followers="many"), "followers: Expected `int | null`, got `str`"),
        (line(created_at=1714557600), "created_at: Expected `datetime`, got `int`"),
        (line(created_at="yesterday"), "created_at: Invalid RFC3339"),
        (line(created_at="1970-01-01T00:00:00Z"), "created_at: 1970-01-01T00:00:00Z, from a clock"),
        (line(created_at="1969-01-01T00:00:00Z", seen_at="2024-05-01T10:00:00Z"), "outside the years"),
        (line(kind="shout"), "kind: none of post"),
        (line(source=""), "source: empty"),
        (line(engagement=[1, 2]), "engagement: Expected `object | null`, got `array`"),
        (line(text="x")[:-1] + ', "text": "a\\ud800"}', "a lone surrogate"),
        (line(text="x")[:-1] + ', "text": "\\udc00 and more of it"}', "a lone surrogate"),
    ],
)
def test_a_broken_line_is_put_aside_with_its_place_and_nothing_else_is(
    tmp_path: Path, bad: str | bytes, message: str
) -> None:
    found, refused = read(tmp_path, GOOD, bad, line(id="3"))
    assert [item.id for item in found.items()] == ["1", "3"]
    assert found.refused == 1
    assert refused[0].where == f"{tmp_path / 'r.jsonl'}:2"
    assert message in refused[0].message
    assert refused[0].payload == (bad.encode() if isinstance(bad, str) else bad)


def test_a_megabyte_of_one_word_is_no_broken_line(tmp_path: Path) -> None:
    found, refused = read(tmp_path, line(text="x" * 1_000_000), GOOD)
    assert len(found) == 2
    assert refused == []


def test_a_line_that_never_ends_is_put_aside_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MAX_LINE", 200)
    found, refused = read(tmp_path, GOOD, line(text="x" * 5_000), line(id="3"))
    assert [item.id for item in found.items()] == ["1", "3"]
    assert [(one.where.rpartition(":")[2], one.message) for one in refused] == [
        ("2", "a line of more than 200 bytes")
    ]


def test_unknown_keys_are_counted_and_left_alone(tmp_path: Path) -> None:
    found, refused = read(tmp_path, line(mood="glum", text="Acme"), line(id="3", mood=1, place="x"))
    assert len(found) == 2
    assert found.unknown_keys == {"mood": 2, "place": 1}
    assert refused == []


def test_any_number_of_unknown_keys_takes_bounded_room(tmp_path: Path) -> None:
    found, _ = read(tmp_path, *(line(id=str(i), **{f"key{i}": 1}) for i in range(200)))
    assert len(found.unknown_keys) == 51
    assert found.unknown_keys.total() == 200


def test_all_fields_arrive(tmp_path: Path) -> None:
    full = line(
        kind="quote", seen_at="2024-05-01T12:00:00.5+02:00", dated_by="seen", author="a", followers=3, text="t",
        url="u", lang="nl", thread="r", reshare_of="p", reply_to="q", engagement={"likes": 4, "views": None},
    )  # fmt: skip
    item = next(read(tmp_path, full)[0].items())
    assert (item.kind, item.dated_by, item.author, item.followers) == ("quote", "seen", "a", 3)
    assert item.seen_ms == item.created_ms + 500
    assert (item.text, item.url, item.lang) == ("t", "u", "nl")
    assert (item.thread, item.reshare_of, item.reply_to) == ("r", "p", "q")
    assert item.engagement == (4, 0, 0, 0)
    plain = next(read(tmp_path, line(created_at="2024-05-01T10:00:00", kind=None))[0].items())
    assert (plain.created_ms, plain.kind, plain.seen_ms) == (1_714_557_600_000, "post", None)


def test_order_is_seen_created_kind_source_id_line(tmp_path: Path) -> None:
    ordered = [
        line(id="9"),
        line(id="1", source="z"),
        line(id="1", source="z", text="zz"),
        line(id="0", kind="reply"),
        line(id="0", kind="update"),
        line(id="0", created_at="2024-05-01T09:00:00Z", seen_at="2024-05-01T10:00:01Z"),
        line(id="0", created_at="2024-05-01T10:00:01Z"),
    ]
    expected = [(i.id, i.source, i.text, i.kind) for i in read(tmp_path, *ordered)[0].items()]
    assert [one[0] for one in expected] == ["9", "1", "1", "0", "0", "0", "0"]
    names = set()
    for seed in range(20):
        shuffled = random.Random(seed).sample(ordered, len(ordered))
        found, _ = read(tmp_path, *shuffled)
        assert [(i.id, i.source, i.text, i.kind) for i in found.items()] == expected
        names.add(found.fingerprint())
    assert len(names) == 1
    assert read(tmp_path, *ordered[1:])[0].fingerprint() not in names


def test_items_can_be_had_from_any_index(tmp_path: Path) -> None:
    found, _ = read(tmp_path, *(line(id=str(i)) for i in range(10)))
    assert [item.id for item in found.items(7)] == ["7", "8", "9"]


def test_compressed_is_told_by_content_and_damage_loses_only_the_rest(tmp_path: Path) -> None:
    lines = "".join(line(id=str(i), text=str(random.Random(i).random())) + "\n" for i in range(2_000))
    body = gzip.compress(lines.encode())
    whole, half = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    whole.write_bytes(body)
    half.write_bytes(body[: len(body) // 2])
    refused: list[Refused] = []
    assert len(read_items([whole])) == 2_000
    found = read_items([half, whole], on_refused=refused.append)
    assert 2_000 < len(found) < 4_000
    assert len(refused) == 1
    assert "damaged from here on" in refused[0].message


def test_standard_input_is_read_and_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BufferedReader(io.BytesIO(b"\xef\xbb\xbf" + GOOD.encode() + b"\r\n\r\n"))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=stream))
    assert len(read_items(["-"])) == 1
    assert not stream.closed


def test_dates_that_cannot_be_true_are_told(tmp_path: Path) -> None:
    seen = "2024-05-01T10:00:00Z"
    found, refused = read(
        tmp_path,
        line(created_at="1970-01-01T00:00:00Z", seen_at=seen),
        line(created_at="2025-05-01T10:00:00Z", seen_at=seen),
        line(created_at="2099-01-01T00:00:00Z"),
        line(created_at="2024-01-01T00:00:00Z", seen_at="2099-01-01T00:00:00Z"),
        latest_ms=1_800_000_000_000,
    )
    assert len(found) == found.odd_dates == 2
    assert "r.jsonl:1: created_at 1970-01-01T00:00:00Z" in found.notes[0]
    assert [one.message for one in refused] == [
        "created_at: 2099-01-01T00:00:00Z is yet to come",
        "seen_at: 2099-01-01T00:00:00Z is yet to come",
    ]


def test_a_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(OSError, match="nowhere"):
        read_items([Path("nowhere.jsonl")])
