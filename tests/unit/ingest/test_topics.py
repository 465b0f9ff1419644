"""Readings of topics that no rule file has: told, and well again as soon as they are."""

from pydantic import TypeAdapter

from connectors import ConnectorSettings
from warn.ingest.status import Status
from warn.ingest.topics import Topics, remedy, unknown
from warn.model.mention import Reading
from warn.model.rules import RuleSet
from warn.rulefile import check_text, draft


def ruleset(brand: str) -> RuleSet:
    made = check_text(draft(brand)).ruleset
    assert made is not None
    return made


def reading(topic: str) -> Reading:
    return Reading("calls", topic, "care", 0, 60, 1000)


def test_a_trouble_is_over_when_the_topic_is_there() -> None:
    status = Status("calls", "calls", since=0, quiet=None)
    force: list[RuleSet | None] = [None]
    topics = Topics(lambda: force[0])
    topics.look(status, [reading("Acme/acme")])
    assert not status.troubles, "while no rules are known nothing is wrong"
    force[0] = ruleset("Other")
    topics.look(status, [reading("Acme/acme"), reading("Other/other")])
    assert list(status.troubles) == ["topic Acme/acme"]
    assert status.troubles["topic Acme/acme"].endswith("there is (brand/topic): Other/other")
    force[0] = ruleset("Acme")
    topics.look(status, [reading("Acme/acme")])
    assert not status.troubles


def test_only_what_a_webhook_calls_a_topic_is_one() -> None:
    configs = [
        TypeAdapter(ConnectorSettings).validate_python(given)
        for given in (
            {
                "type": "webhook",
                "name": "calls",
                "secrets": ["x" * 32],
                "scheme": "token",
                "topic": "Acme/typo",
            },
            {
                "type": "webhook",
                "name": "right",
                "secrets": ["x" * 32],
                "scheme": "token",
                "topic": "Acme/acme",
            },
            {"type": "webhook", "name": "none", "secrets": ["x" * 32], "scheme": "token"},
            {"type": "kafka", "name": "kafka", "bootstrap": ["127.0.0.1:9"], "topic": "their.mentions"},
        )
    ]
    assert list(unknown(configs, ruleset("Acme"))) == [("calls", "Acme/typo")]


def test_many_topics_are_not_all_listed() -> None:
    said = remedy("Acme/t3x", [f"Acme/t{n}" for n in range(100)])
    assert said.count("Acme/") == 6 and "..." in said and "did you mean" in said
