"""How an account calls itself is no mention: it counts nowhere, and is shown where it names us or is ours."""

from tests.unit.match.listener import NOW, OURS, Match, post


def test_a_profile_that_names_us_is_shown_and_counts_nothing() -> None:
    match = Match()
    assert match.read(post(1, "Acme fire service", "profile", author=7)) == {}
    (one,) = match.evidence()
    assert (one.key, one.brand, one.kind, one.text, one.author, one.echo) == (
        1, "Acme", "profile", "Acme fire service", 7, False,
    )  # fmt: skip
    assert match.read(post(2, "shame", "reply", thread=1, parent=1)) == {}, "nobody answers a profile"


def test_a_profile_of_ours_is_shown_whatever_it_says() -> None:
    match = Match()
    assert match.read(post(1, "hacked by somebody", "profile", author=OURS)) == {}
    assert [(one.kind, one.topic, one.text) for one in match.evidence()] == [
        ("profile", "Acme/acme", "hacked by somebody")
    ]


def test_what_names_us_no_more_or_is_empty_is_shown_no_more() -> None:
    match = Match()
    for text, author in (("the weather", 7), ("", OURS), ("", 7)):
        match.read(post(1, "Acme", "profile", author=author))
        assert [one.kind for one in match.evidence()] == ["profile"]
        match.read(post(1, text, "profile", author=author))
        assert [(one.kind, one.text, one.author) for one in match.evidence()] == [("delete", "", 0)]


def test_many_profiles_push_no_post_out_and_are_few_themselves() -> None:
    match = Match()
    match.read(*(post(n, "Acme help desk", "profile") for n in range(1, 100)))
    assert len(match.evidence()) == 3
    match.read(*(post(n, "Acme") for n in range(1_000, 1_100)))
    assert [one.kind for one in match.evidence()] == ["post"] * 3


def test_of_customers_and_of_long_ago_none_is_shown() -> None:
    match = Match()
    late = post(4, "Acme", "profile", created_ms=(NOW - 700) * 1000)
    match.read(
        post(1, "Acme", "profile", role="care"), post(2, "Acme", "profile", role="internal"),
        post(3, "Acme", "profile", backfill=True), late,
    )  # fmt: skip
    assert match.evidence() == []
