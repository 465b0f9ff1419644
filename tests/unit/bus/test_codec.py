"""The envelope of state: golden bytes, and everything that must be refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warn.bus import codec
from warn.bus.codec import MAX_BODY, StateTooLargeError, UnreadableStateError, seal, unseal

GOLDEN = bytes.fromhex("777301010000000e130e3ac83e4d2949c0a1e7d7b9071af6636f756e7473206f662061636d65")
"""`seal(b"counts of acme")` as release 0.1 wrote it."""


def test_golden_bytes() -> None:
    """What 0.1 wrote is written the same way and can be read."""
    assert seal(b"counts of acme") == GOLDEN
    assert unseal(GOLDEN) == b"counts of acme"


@given(st.binary(max_size=300))
def test_there_and_back(body: bytes) -> None:
    """Any body comes back as it was."""
    assert unseal(seal(body)) == body


@given(st.binary(max_size=60), st.data())
def test_one_wrong_bit_is_found(body: bytes, data: st.DataObject) -> None:
    """No single flipped bit, cut or addition gets through."""
    raw = bytearray(seal(body))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    for bad in (bytes(raw), seal(body)[:-1], seal(body) + b"\0", b""):
        with pytest.raises(UnreadableStateError):
            unseal(bad)


@given(st.binary(max_size=200))
def test_garbage_is_refused(raw: bytes) -> None:
    """What is no envelope is refused in words, never by another error."""
    with pytest.raises(UnreadableStateError):
        unseal(raw)


def test_a_newer_release_says_who_may_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record names the oldest release that understands it: that one reads it, an older one leaves it alone."""
    monkeypatch.setattr(codec, "VERSION", 3)
    monkeypatch.setattr(codec, "MIN_READER", 2)
    raw = seal(b"body")
    monkeypatch.setattr(codec, "VERSION", 2)
    assert unseal(raw) == b"body"
    monkeypatch.setattr(codec, "VERSION", 1)
    with pytest.raises(UnreadableStateError, match="format 3, which needs a release that reads 2 or later"):
        unseal(raw)


def test_the_limit() -> None:
    """A body may be as large as the limit and no larger."""
    assert len(unseal(seal(bytes(MAX_BODY)))) == MAX_BODY
    with pytest.raises(StateTooLargeError, match="above the limit"):
        seal(bytes(MAX_BODY + 1))
