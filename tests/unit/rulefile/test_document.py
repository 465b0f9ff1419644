"""YAML 1.2 as it looks, and nothing that could hurt."""

import time

import pytest

from warn.rulefile.document import DEEPEST, LARGEST_FILE, MOST_PROBLEMS, read


def test_scalars_are_what_they_look_like() -> None:
    """Truths, sexagesimals and dates of YAML 1.1 are texts; numbers and truths of the core schema are not."""
    body = (
        b"a: [no, on, 12:30, 2026-12-01, 1_000, 0o17, 0x1F, -3, 1.5, 2e3, true, False, ~, '7', \"7\", .inf]\n"
    )
    assert read("f", body).data["a"] == [
        "no", "on", "12:30", "2026-12-01", "1_000", 15, 31, -3, 1.5, 2000.0, True, False, None,
        "7", "7", ".inf",
    ]  # fmt: skip


def test_every_key_and_value_has_its_place() -> None:
    """Lines and columns count from 1, in characters."""
    document = read("f", "é: 'ü'\nlist:\n  - {k: v}\n".encode())
    assert document.at(("é",), key=True) == (1, 1)
    assert document.at(("é",)) == (1, 4)
    assert document.at(("list", 0, "k")) == (3, 9)
    assert document.at(("list", 0, "absent")) == (3, 5)


BOMBS = {
    "brackets": b"[" * 200_000,
    "mappings": b"{a: " * 60_000,
    "dashes": b"- " * 120_000,
    "question marks": b"? " * 120_000,
    "quote": b'"' + b"a" * 250_000,
    "newlines in a quote": b'a: "' + b"\\n\n" * 80_000,
    "colons": b"a: " * 80_000,
    "tags": b"!" * 200_000,
    "anchors": b"&" * 200_000,
    "directives": b"%FOO bar\n" * 20_000,
    "a key repeated": b"{" + b"a: b, " * 40_000 + b"}",
    "billion laughs": b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"b: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n" * 9,
    "a merge key": b"a: {<<: *b}\n",
    "too large": b"#" * (LARGEST_FILE + 1),
}


@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS.keys())
def test_bombs_are_refused_where_they_begin(body: bytes) -> None:
    """A hostile file costs seconds at most and a hundred messages at most, and has a mistake."""
    start = time.monotonic()
    document = read("f", body)
    assert time.monotonic() - start < 20
    assert document.failed
    assert len(document.problems) <= MOST_PROBLEMS + 1
    assert all(len(p.text()) < 2000 for p in document.problems)


def test_depth_is_limited_and_no_less() -> None:
    """Twenty levels are read, the twenty-first is refused."""
    assert not read("f", b"[" * DEEPEST + b"]" * DEEPEST).failed
    assert read("f", b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1)).failed


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"a: 1\nb: \xff\n", (2, 4)),
        (b"a: \xed\xa0\x80\n", (1, 4)),
        (b"\xef\xbb\xbfa: \xff\n", (1, 4)),
        ("a: 1\n".encode("utf-16"), (1, 1)),
        (b"a: b\x00c\n", (1, 5)),
        (b"a: b\x1b[2J\n", (1, 5)),
        ("a: b\u2028c\n".encode(), (1, 5)),
    ],
)
def test_what_is_no_text_is_told_in_its_place(body: bytes, place: tuple[int, int]) -> None:
    """Bytes that are not UTF-8, lone surrogates, control characters and invisible line ends stop the file."""
    problem = read("f", body).problems[0]
    assert (problem.line, problem.column) == place


def test_a_terminal_cannot_be_fooled() -> None:
    """Neither escape sequences nor right-to-left marks of a file reach the terminal."""
    document = read("f", "a: 1\nb: \u202e\u2066x: *y\n".encode())
    document.add((2, 4), "odd \x1b[31m name")
    shown = document.problems[-1].text()
    assert "\x1b" not in shown and "\u202e" not in shown and "\\u202e" in shown


def test_the_caret_knows_wide_characters() -> None:
    """An emoji takes two columns of a terminal, a combining accent none."""
    document = read("f", b"a: b\n")
    document.lines = ["🔥e\u0301x"]
    document.add((1, 4), "here")
    assert document.problems[0].text().split("\n")[2] == "    " + " " * 3 + "^"


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    """Files of Windows editors read the same."""
    assert read("f", b"\xef\xbb\xbfa: 1\r\nb: x\r\n").data == {"a": 1, "b": "x"}
