"""What strangers wrote cannot leave its place on the page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warn.web.hostile import clean, safe_link


@given(st.text(st.characters(codec=None), max_size=3_000), st.integers(1, 600))
def test_cleaned_text_is_short_printable_and_runs_one_way(text: str, longest: int) -> None:
    """Whatever comes in, it can be encoded, is no longer than asked, and holds no bidi or control character."""
    shown = clean(text, longest)
    shown.encode()
    assert len(shown) <= longest
    assert not any(
        c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\0\x1b\r" for c in shown
    )


def test_ordinary_text_is_left_alone() -> None:
    """Emoji with joiners, accents, Arabic and line breaks stay as they are."""
    text = "Żabka 👩‍👩‍👧 é e\u0301\nلقد احترقت"
    assert clean(text) == text


def test_towers_of_marks_are_cut_down() -> None:
    """Combining marks cannot be piled over the lines above."""
    assert clean("Z" + "\u0335" * 50 + "o") == "Z" + "\u0335" * 3 + "o"


def test_lone_surrogates_are_replaced() -> None:
    """Half a character becomes the sign for an unreadable one."""
    assert clean("a\ud83db") == "a\ufffdb"


@pytest.mark.parametrize(
    "url", ["https://example.org/a?b=c#d", "http://localhost:8000/x", "https://[2001:db8::1]/"]
)
def test_web_addresses_pass(url: str) -> None:
    """An address of the web is a link."""
    assert safe_link(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "", "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)",
        "data:text/html,<script>alert(1)</script>", "vbscript:x", "file:///etc/passwd", "//evil.example/",
        "https:evil", "https://user:pw@evil.example/", "https://good.example@evil.example/", "https://evil.example\\@good",
        "https://a b/", "https://e\u202evil.example/", "https://x/\ud800", "ftp://x/", "blob:https://x/1", "https://[",
        "https://x:99999/", "https://" + "a" * 2001, "/incidents/1", "mailto:a@b", "intent://x#Intent;scheme=http;end",
    ],
)  # fmt: skip
def test_all_else_is_no_link(url: str) -> None:
    """Nothing but a plain http or https address becomes a link."""
    assert safe_link(url) is None
