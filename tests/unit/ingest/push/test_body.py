"""How deep a body may go, in whatever way its characters are written."""

import pytest

from warn.ingest.push.body import DEEPEST, BodyError, depth, parse


def test_brackets_count_outside_of_texts() -> None:
    assert depth(b'{"a": ["[[[", {"b": "\\"[[["}]}') == 3
    assert parse(b"[" * DEEPEST + b"]" * DEEPEST)
    with pytest.raises(BodyError, match="more than 32 levels"):
        parse(b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_json_is_utf_8_alone(encoding: str) -> None:
    """In UTF-16 a sign can hold the byte of a quotation mark, behind which brackets would hide."""
    for text in ('{"data": {"id": "1"}}', '["\u2200", ' + "[" * 300 + "]" * 300 + "]"):
        with pytest.raises(BodyError):
            parse(text.encode(encoding))


def test_a_lone_surrogate_is_no_end_of_the_rest() -> None:
    assert parse(b'\xef\xbb\xbf{"a": "\\ud83d"}') == {"a": "\ud83d"}
