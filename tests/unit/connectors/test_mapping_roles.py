"""What staff or customers write comes in as such, also where nobody has thought of saying so."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.files import FilesConfig
from connectors.kafka_topic import KafkaTopicConfig
from connectors.stdin import StdinConfig
from connectors.webhook import WebhookConfig
from tests.unit.connectors.mapped import GOVERNANCE
from warn.ingest.config import ConnectorConfig

STAFF = ("slack", "viva_engage", "salesforce", "intranet")
CUSTOMERS = ("zendesk", "email", "call_centre")
SECRETS = ["a-secret-of-ours"]
MAKERS: dict[str, Callable[..., ConnectorConfig]] = {
    "webhook": lambda **of: WebhookConfig(name="a", scheme="token", secrets=SECRETS, **of),
    "files": lambda **of: FilesConfig(name="a", paths=["a.jsonl"], **of),
    "stdin": lambda **of: StdinConfig(name="a", **of),
    "kafka": lambda **of: KafkaTopicConfig(name="a", bootstrap="127.0.0.1:9092", topic="t", **of),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("mapping", STAFF)
def test_staff_needs_governance(make: Callable[..., Any], mapping: str) -> None:
    with pytest.raises(ValidationError, match="starts only with governance"):
        make(mapping=mapping)
    assert make(mapping=mapping, governance=GOVERNANCE).role == "internal"
    assert make(mapping=mapping, role="").role == "", "told otherwise: a place that is open to the public"


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("mapping", CUSTOMERS)
def test_customers_yield_counts_only(make: Callable[..., Any], mapping: str) -> None:
    assert make(mapping=mapping).role == "care"
    assert make(mapping=mapping, role="internal", governance=GOVERNANCE).role == "internal"


def test_the_scheme_brings_its_mapping_and_that_its_role() -> None:
    assert WebhookConfig(name="a", scheme="zendesk", secrets=SECRETS).role == "care"
    with pytest.raises(ValidationError, match="starts only with governance"):
        WebhookConfig(name="a", scheme="slack", secrets=SECRETS)
    assert WebhookConfig(name="a", scheme="slack", mapping="warn", secrets=SECRETS).role == ""
    assert WebhookConfig(name="a", scheme="meta", secrets=SECRETS).role == ""


def test_a_mapping_of_ones_own_may_say_it() -> None:
    mapping = {"role": "care", "mentions": [{"id": "id"}]}
    assert MAKERS["webhook"](mapping=mapping).role == "care"
    with pytest.raises(ValidationError, match="role"):
        MAKERS["webhook"](mapping={**mapping, "role": "boss"})
