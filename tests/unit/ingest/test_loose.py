"""JSON with characters in it that must not stand there."""

import pytest

from warn.ingest.loose import loose_json
from warn.model.errors import Reason, TemporaryError


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": "x\x01\ny"}', {"a": "x\x01\ny"}),
        (b'{"a": "caf\xe9"}', {"a": "caf\ufffd"}),
        (rb'{"a": "it\'s \(here\) \u12 \\d \" \\"}', {"a": "it's (here) u12 \\d \" \\"}),
        (rb'{"a": "\ud83d\ude00 \ud800"}', {"a": "\U0001f600 \ud800"}),
        (b"7", 7),
        (b'[{"likes": ' + b"9" * 5_000 + b'}, {"likes": 3}]', [{"likes": None}, {"likes": 3}]),
    ],
)
def test_what_can_be_read_is_read(body: bytes, said: object) -> None:
    assert loose_json("here", body) == said


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": ', b"[" * 100_000, b'{"a": "\\"', b"\x00"])
def test_what_cannot_be_read_is_said_without_quoting_it(body: bytes) -> None:
    with pytest.raises(TemporaryError) as caught:
        loose_json("here", body)
    assert str(caught.value) == "here: its answer cannot be read"
    assert caught.value.reason is Reason.MALFORMED
