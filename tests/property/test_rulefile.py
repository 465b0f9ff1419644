"""Whatever is done to a good rule file, it loads, or a mistake is told in a place of it."""

from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from warn.match.fold import fold
from warn.match.matcher import Matcher
from warn.model.hashing import PUBLIC_KEY
from warn.model.wire import decode_ruleset, encode
from warn.rulefile import DraftError, check_text, draft
from warn.rulefile.document import read
from warn.rulefile.draft import quoted

GOOD = (Path(__file__).parents[2] / "rules" / "example-bank.yaml").read_text(encoding="utf-8")
LINES = GOOD.splitlines(keepends=True)
PIECES = [
    "", "x", ":", ": ", "- ", "[", "]", "{", "}", "&a ", "*a", "!t ", "#", '"', "'", "|\n", "\t", "\n",
    "  ", "?",
    "null", "1e999", "999999999999999999999", "-1", "true", ".nan", "\u202e", "\U0001f525", "within: bank",
    "any: []",
    "%YAML 1.1\n", "---\n", "\ufeff", "\x00", "any: {lexicon: x}", "<<: *a", "2 per 0d",
    "[[[[[[[[[[[[[[[[[[[[[[",
]  # fmt: skip

spot = st.integers(0, len(GOOD))
edits = st.one_of(
    st.tuples(st.just("insert"), spot, st.sampled_from(PIECES)),
    st.tuples(st.just("cut"), spot, st.integers(1, 60)),
    st.tuples(st.just("replace"), spot, st.sampled_from(PIECES)),
    st.tuples(st.just("text"), spot, st.text(max_size=8)),
    st.tuples(st.just("move"), st.integers(0, len(LINES) - 1), st.integers(0, len(LINES) - 1)),
)


def edited(text: str, how: tuple[str, int, str | int]) -> str:
    kind, at, what = how
    if isinstance(what, str):
        return text[:at] + what + text[at + (5 if kind == "replace" else 0) :]
    if kind == "cut":
        return text[:at] + text[at + what :]
    lines = text.splitlines(keepends=True)
    if at < len(lines):
        lines.insert(what, lines.pop(at))
    return "".join(lines)


@given(st.lists(edits, min_size=1, max_size=4))
@settings(max_examples=120, deadline=None)
def test_a_mutated_file_loads_or_is_told_where(changes: list[tuple[str, int, str | int]]) -> None:
    """It never raises; without a rule set an error has its place in the file; a rule set can be matched."""
    text = GOOD
    for change in changes:
        text = edited(text, change)
    loaded = check_text(text, "f.yaml")
    errors = [p for p in loaded.problems if p.severity == "error"]
    assert (loaded.ruleset is None) == bool(errors)
    count = text.count("\n") + text.count("\r") + 1
    for problem in loaded.problems:
        assert 1 <= problem.line <= count and problem.column >= 1 and problem.message
        assert problem.text() and "\n" not in problem.headline() and problem.github()
    if loaded.ruleset is not None:
        assert decode_ruleset(encode(loaded.ruleset)) == loaded.ruleset
        Matcher(loaded.ruleset, PUBLIC_KEY)


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_bytes_of_any_kind_never_raise(body: bytes) -> None:
    """Reading gives data or a problem."""
    document = read("f", body)
    assert (
        document.failed or document.data is None or isinstance(document.data, dict | list | str | int | float)
    )


@given(st.text(max_size=60))
@example("a\u0085b")
@example("\ufeff")
@settings(max_examples=200, deadline=None)
def test_a_quoted_text_reads_back(text: str) -> None:
    """Whatever a file may hold is read back exactly as it was given."""
    document = read("f", f"a: {quoted(text)}\n".encode("utf-8", "surrogatepass"))
    assert document.failed or document.data == {"a": text}


@given(st.text(min_size=1, max_size=40), st.lists(st.text(min_size=1, max_size=20), max_size=3))
@settings(max_examples=150, deadline=None)
def test_a_draft_is_sound_or_refused(brand: str, spellings: list[str]) -> None:
    """Of any name there is a sound file by which a post with the name is found, or a sentence why not."""
    try:
        text = draft(brand, spellings)
    except DraftError:
        return
    loaded = check_text(text)
    assert loaded.ruleset is not None, [p.text() for p in loaded.problems]
    assert loaded.ruleset.rules[0].brand == brand
    matcher = Matcher(loaded.ruleset, PUBLIC_KEY)
    assert all(matcher.match(f". {name} .").topics for name in [brand, *spellings])
    assert {fold(t.text).strip() for t in loaded.ruleset.topics[0].any} == {
        fold(s).strip() for s in [brand, *spellings]
    }
