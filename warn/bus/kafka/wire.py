"""Requests of Kafka's protocol that aiokafka does not have: what a broker supports, and what we may do there.

aiokafka stops at ApiVersions 2 and Metadata 5. Version 3 of the first names the release by its features; version 8 of the
second tells our permissions on each Kafka topic without trying them out.
"""

from io import BytesIO
from typing import Any, Final, NamedTuple

from aiokafka.protocol.api import Request, RequestStruct, Response, ResponseHeader_v0
from aiokafka.protocol.types import (
    Array,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    String,
    TaggedFields,
)

_SUPPORTED: Final = 0
_FINALIZED: Final = 2
_FEATURES: Final = CompactArray(
    ("name", CompactString("utf-8")), ("first", Int16), ("second", Int16), ("tags", TaggedFields)
)


class _VersionsAnswer3(Response):  # type: ignore[misc]
    API_KEY = 18
    API_VERSION = 3
    SCHEMA = Schema(
        ("error_code", Int16),
        (
            "api_versions",
            CompactArray(
                ("api_key", Int16), ("min_version", Int16), ("max_version", Int16), ("tags", TaggedFields)
            ),
        ),
        ("throttle_time_ms", Int32),
        ("tags", TaggedFields),
    )


class _AskVersions3(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 18
    API_VERSION = 3
    RESPONSE_TYPE = _VersionsAnswer3
    SCHEMA = Schema(
        ("client_software_name", CompactString("utf-8")),
        ("client_software_version", CompactString("utf-8")),
        ("tags", TaggedFields),
    )

    def parse_response_header(self, read_buffer: BytesIO | bytes) -> ResponseHeader_v0:
        """An older broker must be able to answer, so this one answer never has the newer head."""
        return ResponseHeader_v0.decode(read_buffer)


class AskFeatures(Request[_AskVersions3]):  # type: ignore[misc]
    """What a broker supports, and what its cluster has agreed upon; from Kafka 2.4 on."""

    API_KEY = 18

    def build(self, request_struct_class: type[_AskVersions3]) -> _AskVersions3:
        return request_struct_class("warn", "1", {})


class Features(NamedTuple):
    """The highest level that this broker supports of each feature, and the level in force in its cluster."""

    supported: dict[str, int]
    finalized: dict[str, int]


def features(answer: Any) -> Features:
    """Read them out of the answer to `AskFeatures`."""
    tags = answer.tags
    supported = _FEATURES.decode(BytesIO(tags[_SUPPORTED])) if _SUPPORTED in tags else []
    finalized = _FEATURES.decode(BytesIO(tags[_FINALIZED])) if _FINALIZED in tags else []
    # Supported: name, lowest, highest; finalized: name, highest, lowest in force.
    return Features(
        {one[0]: one[2] for one in supported or ()},
        {one[0]: one[1] for one in finalized or ()},
    )


class _MetadataAnswer8(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            Array(("node_id", Int32), ("host", String("utf-8")), ("port", Int32), ("rack", String("utf-8"))),
        ),
        ("cluster_id", String("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", String("utf-8")),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class _AskMetadata8(RequestStruct):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _MetadataAnswer8
    SCHEMA = Schema(
        ("topics", Array(String("utf-8"))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class AskMetadata(Request[_AskMetadata8]):  # type: ignore[misc]
    """Brokers, and of these Kafka topics partitions and what we may do with them; from Kafka 2.3 on. Creates none."""

    API_KEY = 3

    def __init__(self, topics: list[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_AskMetadata8]) -> _AskMetadata8:
        return request_struct_class(self._topics, False, True, True)


OPERATIONS: Final = {
    "Read": 3,
    "Write": 4,
    "Create": 5,
    "Describe": 8,
    "DescribeConfigs": 10,
}
"""Bits of `authorized_operations`, by the names that Kafka's tools have for them."""


def may(bits: int, operation: str) -> bool:
    """Whether the answer's bits allow an operation."""
    return bool(bits & 1 << OPERATIONS[operation])
