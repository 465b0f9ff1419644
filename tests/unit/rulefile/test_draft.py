"""`warn rules new` makes a sound file of any name."""

import pytest

from warn.model.rules import Floor
from warn.rulefile import DraftError, check_text, draft

HOSTILE = [
    "Acme", "$T", "Delta", "@acme", "#acme", "-rf", "--brand", "Ac: me", "Ac # me", 'say "hi"', "it's",
    "a\\b",
    "\\n", "null", "~", "yes", "1984", "1e5", "[x]", "{a: b}", "*x", "&x", "!x", "|", ">", "%", "? x",
    "- x", "💥",
    "👩‍👩‍👧 shop", "日本航空", "Ænima", "e\u0301clair", " spaced ", "AC/DC", "Yahoo!", "!!!", "X", "a" * 200,
    "${brand}",
    "$brand", "{{x}}",
    "<script>", "a\u00a0b", "\u202eevil", "قهوة", "Ünïcødé™", "E*TRADE", "C&A", "7-Eleven", "'", '"',
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("language", ["en", "nl"])
def test_any_name_reads_back_as_it_was_given(name: str, language: str) -> None:
    """Brand verbatim, the name looked for, a page, UTC, shadow, and no mistake."""
    loaded = check_text(draft(name, language=language))
    assert loaded.ruleset is not None, [p.text() for p in loaded.problems]
    (rule,) = loaded.ruleset.rules
    (topic,) = loaded.ruleset.topics
    assert (rule.brand, topic.brand) == (name, name)
    assert [t.text for t in topic.any] == [name]
    assert (rule.severity, rule.timezone, rule.mode, rule.language) == ("page", "UTC", "shadow", language)
    assert (rule.watch, rule.detector.name, rule.budget_per_30d) == (
        ("mentions", "authors", "echo"),
        "spike",
        2.0,
    )
    assert rule.at_least == (Floor(mentions=8, authors=5), Floor(echo=100))


def test_spellings_are_terms_of_their_kind_and_each_is_there_once() -> None:
    """The sign decides; a spelling that folds to the same is not written twice."""
    text = draft("Acme", ["ACME", "@acme.example", "#acme", "$ACM", "Acme Bank"])
    ruleset = check_text(text).ruleset
    assert ruleset is not None
    assert [(t.text, t.kind) for t in ruleset.topics[0].any] == [
        ("Acme", "word"),
        ("@acme.example", "handle"),
        ("#acme", "hashtag"),
        ("$ACM", "cashtag"),
        ("Acme Bank", "word"),
    ]
    assert '"@acme.example"' in text and '"#acme"' in text and '"$ACM"' in text


@pytest.mark.parametrize(
    "name", ["", "  ", "a\nb", "a\tb", "\x1b[2J", "\ud800", "\u200b", "a" * 201, "a\u2028b"]
)
def test_what_can_be_no_name_is_refused(name: str) -> None:
    """With a sentence, not with a broken file."""
    with pytest.raises(DraftError):
        draft(name)
    with pytest.raises(DraftError):
        draft("Acme", [name])


def test_unknown_languages_and_zones_are_refused() -> None:
    """The nearest zone is suggested."""
    with pytest.raises(DraftError, match="Europe/Amsterdam"):
        draft("Acme", timezone="Europ/Amsterdam")
    with pytest.raises(DraftError, match="en or nl"):
        draft("Acme", language="fr")


def test_the_commented_lines_are_sound_too() -> None:
    """Whoever takes the # away from every suggestion still has a sound file."""
    lines = []
    for line in draft("Acme", language="en").splitlines():
        bare = line.lstrip()
        suggestion = (
            bare.startswith("# ")
            and (":" in bare or bare.startswith("#   -"))
            and not bare.rstrip().endswith(".")
        )
        known = bare[2:].lstrip().split(":")[0] in {
            "owner", "usual", "accounts", "none", "safety", "within", "any", "labels", "annotations",
            "summary",
            "playbook",             "- {source",
        }  # fmt: skip
        lines.append(line.replace("# ", "", 1) if suggestion and known else line)
    text = "\n".join(lines) + "\n"
    loaded = check_text(text)
    assert loaded.ruleset is not None, [p.text() for p in loaded.problems] + [text]
    assert (
        loaded.ruleset.accounts and loaded.ruleset.rules[0].usual_per_day and len(loaded.ruleset.topics) == 2
    )


def test_our_own_name_is_no_brand() -> None:
    """Silence is told under it. Another way of writing it matches the same."""
    with pytest.raises(DraftError, match=r"is warn.s own: .* such as `Warn`"):
        draft("warn")
    assert 'brand: "Warn"' in draft("Warn")
