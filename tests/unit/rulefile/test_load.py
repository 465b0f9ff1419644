"""Files to a rule set: what is in them, whatever they are called."""

import os
from pathlib import Path

import pytest

from warn.match.index import MAX_ALWAYS
from warn.model.hashing import content_hash
from warn.model.rules import Floor, Rule, RuleSet, Term
from warn.model.wire import encode
from warn.rulefile import NoRuleFilesError, check_text, load, rule_files

ACME = """\
version: 1
brand: Acme
timezone: Europe/Amsterdam
language: nl
mode: live
budget: 3 per 30d
usual: {mentions: 40 per day, echo: 7 per week}
channels:
  bluesky: {owner: webcare, risk: [pile-on], expect: 1 per 10m}
  desk: {role: care}
accounts: [{source: bluesky, handle: "@acme.example"}]
topics:
  acme:
    any: [Acme, "@acme.example", "#acme", $ACM, $100, "@ home", {phrase: Acme Bank}, {regex: 'ac+me'}, Acme]
    none: {lexicon: recall}
  fire:
    within: acme
    any: {en: [fire], nl: [brand], emoji: ["🔥"]}
    near: {words: ["#acme", fire], distance: 8}
  walkout: {within: acme, any: {lexicon: strike}}
groups:
  - name: one
    rules:
      - alert: Fire
        topic: fire
        watch: [mentions, reach]
        for: 1m
        expect: [{from: 2026-12-01T09:00, to: 2026-12-01T10:00+00:00, lift: 5, why: launch}]
        labels: {team: nl}
        annotations: {summary: Brand., desk: "12"}
      - {alert: Acme, topic: acme, severity: page, mode: shadow, detector: {threshold: {above: 5}}}
  - name: two
    rules:
      - {alert: Later, topic: walkout, severity: ticket, at_least: [{care: 5}]}
"""


def ruleset(*texts: str, folder: Path) -> RuleSet:
    for i, text in enumerate(texts):
        (folder / f"{i}.yaml").write_text(text, encoding="utf-8")
    loaded = load([folder])
    assert loaded.ruleset is not None, [p.text() for p in loaded.problems]
    return loaded.ruleset


def rule(found: RuleSet, name: str) -> Rule:
    return next(r for r in found.rules if r.alert == name)


def test_topics_are_what_the_file_says(tmp_path: Path) -> None:
    """Names are brand/topic, terms have their kind by their sign, each word is there once."""
    acme, fire, walkout = ruleset(ACME, folder=tmp_path).topics
    assert acme.name == "Acme/acme"
    assert acme.any == (
        Term("Acme"), Term("@acme.example", "handle"), Term("#acme", "hashtag"), Term("$ACM", "cashtag"),
        Term("$100"), Term("@ home"), Term("Acme Bank", "phrase"), Term("ac+me", "regex"),
    )  # fmt: skip
    assert Term("product recall") in acme.none and Term("terugroepactie") in acme.none
    assert fire.within == "Acme/acme"
    assert [t.text for t in fire.any] == ["fire", "brand", "🔥"]
    assert fire.near[0].words == (Term("#acme", "hashtag"), Term("fire")) and fire.near[0].distance == 8
    assert walkout.public_only and not fire.public_only


def test_rules_are_what_the_file_says(tmp_path: Path) -> None:
    """Times are seconds, times without an offset are local, defaults are filled in."""
    found = ruleset(ACME, folder=tmp_path)
    fire = rule(found, "Fire")
    assert (fire.id, fire.topic, fire.watch, fire.for_s, fire.keep_firing_s) == (
        "Acme/Fire", "Acme/fire", ("mentions", "reach"), 60, 1800,
    )  # fmt: skip
    assert (fire.timezone, fire.language, fire.mode, fire.severity) == (
        "Europe/Amsterdam",
        "nl",
        "live",
        "page",
    )
    assert fire.at_least == (Floor(mentions=8, authors=5), Floor(echo=100))
    assert (fire.expect[0].start, fire.expect[0].end) == (1796112000, 1796119200)
    assert fire.labels == {"team": "nl"} and fire.annotations == {"summary": "Brand.", "desk": "12"}
    assert rule(found, "Acme").mode == "shadow"
    assert rule(found, "Acme").detector.name == "threshold" and rule(found, "Acme").detector.params == {
        "above": 5
    }
    assert found.channels[0][1].expect_s == 600 and found.channels[1][1].role == "care"
    assert found.accounts[0][1].handle == "acme.example"


def test_the_budget_is_shared_among_what_wakes_somebody(tmp_path: Path) -> None:
    """Three pages a month for two page rules are one and a half each; a ticket takes nothing from them."""
    found = ruleset(ACME, folder=tmp_path)
    assert [rule(found, n).budget_per_30d for n in ("Fire", "Acme", "Later")] == [1.5, 1.5, 3.0]


def test_usual_of_the_file_is_not_usual_of_a_narrow_topic(tmp_path: Path) -> None:
    """Forty mentions of the brand a day are not forty of fire: that rule would be deaf on day one."""
    found = ruleset(ACME, folder=tmp_path)
    assert rule(found, "Acme").usual_per_day == {"mentions": 40.0, "echo": 1.0}
    assert rule(found, "Fire").usual_per_day == {}


def test_negative_words_are_folded_and_of_all_languages(tmp_path: Path) -> None:
    """The rule set carries the words of the signal negativity."""
    negative = ruleset(ACME, folder=tmp_path).negative
    assert {"disgraceful", "schandalig", "😡"} <= set(negative)
    assert list(negative) == sorted(set(negative))


def test_the_same_files_are_the_same_bytes(tmp_path: Path) -> None:
    """Names and order of files change nothing."""
    other = ACME.replace("brand: Acme", "brand: Zeta")
    for name in "abc":
        (tmp_path / name).mkdir()
    one = ruleset(ACME, other, folder=tmp_path / "a")
    two = ruleset(other, ACME, folder=tmp_path / "b")
    assert content_hash(encode(one)) == content_hash(encode(two))
    assert content_hash(encode(one)) != content_hash(encode(ruleset(ACME, folder=tmp_path / "c")))


def test_a_brand_has_one_file(tmp_path: Path) -> None:
    """Two files for one brand, in whatever case, are a mistake that names the first."""
    (tmp_path / "a.yaml").write_text(ACME)
    (tmp_path / "b.yaml").write_text("version: 1\nbrand: ACME\n")
    told = load([tmp_path])
    assert told.ruleset is None
    assert any(p.file.endswith("b.yaml") and (p.line, p.column) == (2, 8) and "a.yaml" in p.message
               for p in told.problems)  # fmt: skip


def test_a_source_has_one_role(tmp_path: Path) -> None:
    """What one file calls internal no other file may list without its governance."""
    (tmp_path / "a.yaml").write_text(ACME)
    (tmp_path / "b.yaml").write_text("version: 1\nbrand: Bee\nchannels: {desk: {owner: x}}\n")
    assert any("a source has one role" in p.message for p in load([tmp_path]).problems)


def test_one_bad_word_does_not_hide_the_next_mistake() -> None:
    """An unreadable word hides no other of its list, nor an unknown key the unknown topic beside it."""
    told = check_text(
        "version: 1\nbrand: A\ntopics:\n  t: {any: [Acme, 1984, {lexicon: saftey}]}\n"
        "groups: [{name: g, rules: [{alert: R, topic: tt, sverity: page}]}]\n"
    ).problems
    for wrong in ("1984", "saftey", "tt", "sverity"):
        assert any(wrong in p.message for p in told), wrong


def test_broad_words_are_warned_of_and_loaded() -> None:
    """A brand of one letter exists; it is told how often that will be found."""
    loaded = check_text(
        "version: 1\nbrand: X\ntopics: {x: {any: [X, the]}}\n"
        "groups: [{name: g, rules: [{alert: R, topic: x}]}]\n"
    )
    assert loaded.ruleset is not None
    assert [p.severity for p in loaded.problems] == ["warning", "warning"]


def test_too_many_expressions_for_every_post_are_a_mistake() -> None:
    """What the matcher would refuse is told by the check, in its place."""
    many = ", ".join(f"{{regex: 'a[bc]{{{i + 1}}}'}}" for i in range(MAX_ALWAYS + 1))
    topics = f"topics: {{t: {{any: [{many}]}}}}\n"
    loaded = check_text(
        f"version: 1\nbrand: A\n{topics}groups: [{{name: g, rules: [{{alert: R, topic: t}}]}}]\n"
    )
    errors = [p for p in loaded.problems if p.severity == "error"]
    assert len(errors) == 1 and "in all files together" in errors[0].message and errors[0].line == 3


def test_folders_are_read_with_what_is_below_them(tmp_path: Path) -> None:
    """Tests, lexicons, playbooks and hidden files are no rule files, and a file behind two links is one."""
    for name in (
        "a.yaml",
        "sub/b.yml",
        "a.test.yaml",
        ".hidden.yaml",
        "lexicons/l.yaml",
        "playbooks/p.yaml",
        "c.txt",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "a.yaml")
    found = rule_files([tmp_path, tmp_path / "a.yaml"])
    assert [f.relative_to(tmp_path).as_posix() for f in found] == ["a.yaml", "sub/b.yml"]


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    """A missing path, an empty folder and a pipe are told, and nothing hangs."""
    with pytest.raises(NoRuleFilesError, match="no rule files"):
        rule_files([tmp_path])
    assert "there is no file" in load([tmp_path / "nowhere.yaml"]).problems[0].message
    os.mkfifo(tmp_path / "pipe.yaml")
    assert load([tmp_path]).problems[0].message == "this is no regular file"


def test_own_lexicons_replace_and_add(tmp_path: Path) -> None:
    """A list in `lexicons/` is used by name; one of a bundled name replaces that; mistakes are told."""
    (tmp_path / "lexicons").mkdir()
    own = tmp_path / "lexicons" / "own.yaml"
    own.write_text(
        "version: 1\nlexicons:\n  kettle: {about: lids, words: {en: [lid, leaks]}}\n"
        "  negative: {about: ours, words: {en: [Meh]}}\n"
    )
    text = (
        "version: 1\nbrand: A\ntopics: {t: {any: {lexicon: kettle}}}\n"
        "groups: [{name: g, rules: [{alert: R, topic: t}]}]\n"
    )
    found = ruleset(text, folder=tmp_path)
    assert [t.text for t in found.topics[0].any] == ["lid", "leaks"]
    assert found.negative == ("meh",)
    own.write_text("version: 1\nlexicons:\n  kettle: {abuot: lids, words: {en: [lid]}}\n")
    told = load([tmp_path]).problems
    assert any((p.line, p.column) == (3, 12) and "did you mean `about`?" in p.message for p in told)
