"""librdkafka's mock cluster: a Kafka in this process, without a JVM, that fails exactly as it is told to.

    with MockKafka(brokers=3) as mock:
        mock.topic("t.mentions", partitions=4)
        mock.fail(Api.END_TXN, Err.NOT_COORDINATOR, Err.COORDINATOR_LOADING)
        mock.down(2); mock.slow(1, 2_000); mock.lead("t.mentions", 0, 3)

It comes inside the confluent-kafka wheel, and is reached by ctypes because that package shows nothing of it. What it lacks:
a second producer with a transactional id fences nobody, records of aborted transactions are shown, the second member of a
group fails, commit markers have no checksum, no topic settings. So it says whether warn waits without end and goes on afterwards; whether counts are right
only real brokers say.
"""

import ctypes
import functools
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, Self

import confluent_kafka

_PRODUCER: Final = 0


class Api(IntEnum):
    """Kinds of request, by Kafka's numbers: those that a seat makes."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    METADATA = 3
    FIND_COORDINATOR = 10
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS_TO_TXN = 24
    END_TXN = 26


class Err(IntEnum):
    """Error codes, by Kafka's numbers; `BROKEN` is librdkafka's word for closing the connection instead of answering."""

    BROKEN = -195
    UNKNOWN_SERVER_ERROR = -1
    OFFSET_OUT_OF_RANGE = 1
    UNKNOWN_TOPIC_OR_PARTITION = 3
    LEADER_NOT_AVAILABLE = 5
    NOT_LEADER_OR_FOLLOWER = 6
    REQUEST_TIMED_OUT = 7
    COORDINATOR_LOADING = 14
    COORDINATOR_NOT_AVAILABLE = 15
    NOT_COORDINATOR = 16
    NOT_ENOUGH_REPLICAS = 19
    NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20
    TOPIC_AUTHORIZATION_FAILED = 29
    OUT_OF_ORDER_SEQUENCE_NUMBER = 45
    DUPLICATE_SEQUENCE_NUMBER = 46
    INVALID_PRODUCER_EPOCH = 47
    INVALID_TXN_STATE = 48
    INVALID_PRODUCER_ID_MAPPING = 49
    CONCURRENT_TRANSACTIONS = 51
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53
    KAFKA_STORAGE_ERROR = 56
    UNKNOWN_PRODUCER_ID = 59
    PRODUCER_FENCED = 90


@functools.cache
def _library() -> ctypes.CDLL:
    package = Path(confluent_kafka.__file__).parent
    folders = (package.with_name("confluent_kafka.libs"), package / ".dylibs")  # Linux, macOS
    return ctypes.CDLL(str(next(path for folder in folders for path in folder.glob("librdkafka*"))))


def _function(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    found = getattr(_library(), f"rd_kafka_{name}")
    found.restype, found.argtypes = result, arguments
    return found  # type: ignore[no-any-return]  # ctypes makes it what its name says


_P, _I, _S = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
_N = ctypes.c_int32


class MockKafka:
    """A cluster of brokers 1 to `brokers`, on ports of 127.0.0.1, for the time of a `with`."""

    def __init__(self, brokers: int = 3) -> None:
        self.brokers = range(1, brokers + 1)

    def __enter__(self) -> Self:
        problem = ctypes.create_string_buffer(512)
        conf = _function("conf_new", _P)()
        _function("conf_set", _I, _P, _S, _S, _P, ctypes.c_size_t)(conf, b"log_level", b"0", None, 0)
        # librdkafka needs a client of its own to run it in; it is never used for anything else.
        client = _function("new", _P, _I, _P, _S, ctypes.c_size_t)
        self._client = client(_PRODUCER, conf, problem, len(problem))
        assert self._client, problem.value
        self._cluster = _function("mock_cluster_new", _P, _P, _I)(self._client, len(self.brokers))
        assert self._cluster
        self.bootstrap: str = _function("mock_cluster_bootstraps", _S, _P)(self._cluster).decode()
        return self

    def __exit__(self, *_: object) -> None:
        _function("mock_cluster_destroy", None, _P)(self._cluster)
        _function("destroy", None, _P)(self._client)

    def topic(self, name: str, partitions: int) -> None:
        """Create one, with a copy on each broker."""
        create = _function("mock_topic_create", _I, _P, _S, _I, _I)
        self._done(create(self._cluster, name.encode(), partitions, len(self.brokers)))

    def fail(self, api: Api, *errors: Err) -> None:
        """Answer the next requests of a kind by these errors, one each, whichever broker is asked."""
        push = _function("mock_push_request_errors_array", None, _P, ctypes.c_int16, ctypes.c_size_t, _P)
        push(self._cluster, api, len(errors), (_I * len(errors))(*errors))

    def forgive(self, api: Api) -> None:
        """Take back what `fail` has ordered and nobody has met yet."""
        _function("mock_clear_request_errors", None, _P, ctypes.c_int16)(self._cluster, api)

    def down(self, *brokers: int) -> None:
        """Close connections to these, or to all, and refuse new ones."""
        for broker in brokers or self.brokers:
            self._done(_function("mock_broker_set_down", _I, _P, _N)(self._cluster, broker))

    def up(self, *brokers: int) -> None:
        """Let these, or all, serve again; what they held is still there."""
        for broker in brokers or self.brokers:
            self._done(_function("mock_broker_set_up", _I, _P, _N)(self._cluster, broker))

    def slow(self, broker: int, rtt_ms: int) -> None:
        """Answer every request to this one so much later."""
        self._done(_function("mock_broker_set_rtt", _I, _P, _N, _I)(self._cluster, broker, rtt_ms))

    def lead(self, topic: str, partition: int, broker: int) -> None:
        """Move a partition's leader; the old one answers NOT_LEADER_OR_FOLLOWER from now on."""
        move = _function("mock_partition_set_leader", _I, _P, _S, _N, _N)
        self._done(move(self._cluster, topic.encode(), partition, broker))

    def coordinate(self, transactional_id: str, broker: int) -> None:
        """Move the coordinator of a transactional id."""
        move = _function("mock_coordinator_set", _I, _P, _S, _S, _N)
        self._done(move(self._cluster, b"transaction", transactional_id.encode(), broker))

    def _done(self, code: int) -> None:
        assert code == 0, f"the mock cluster refused, with error {code}"
