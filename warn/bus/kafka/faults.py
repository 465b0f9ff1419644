"""What an error of aiokafka's means, in the words of the port: whose fault it is, and what there is to do about it."""

from collections.abc import Iterator
from typing import Final

from aiokafka import errors as kafka

from warn.bus.base import FencedError
from warn.bus.codec import UnreadableStateError
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError

_FENCED: Final = (kafka.ProducerFenced, kafka.InvalidProducerEpoch, kafka.TransactionCoordinatorFenced)
_FORBIDDEN: Final = (
    kafka.TopicAuthorizationFailedError,
    kafka.GroupAuthorizationFailedError,
    kafka.ClusterAuthorizationFailedError,
    kafka.TransactionalIdAuthorizationFailed,
    kafka.SaslAuthenticationFailed,
    kafka.AuthenticationFailedError,
    kafka.AuthenticationMethodNotSupported,
    kafka.UnsupportedSaslMechanismError,
    kafka.IllegalSaslStateError,
)
_CONFIG: Final = (
    kafka.MessageSizeTooLargeError,
    kafka.RecordListTooLargeError,
    kafka.InvalidTopicError,
    kafka.PolicyViolationError,
    kafka.InvalidTransactionTimeout,
    kafka.InvalidRequiredAcksError,
    kafka.UnknownTopicOrPartitionError,
    kafka.InvalidTimestampError,
)
_TIMEOUT: Final = (
    TimeoutError,
    kafka.KafkaTimeoutError,
    kafka.RequestTimedOutError,
    kafka.NotEnoughReplicasError,
    kafka.NotEnoughReplicasAfterAppendError,
)
_NETWORK: Final = (
    OSError,
    kafka.KafkaConnectionError,
    kafka.NodeNotReadyError,
    kafka.StaleMetadata,
    kafka.BrokerNotAvailableError,
)
_NOT_YET: Final[dict[str, tuple[type[BaseException], ...]]] = {
    "coordinator for it": (
        kafka.CoordinatorNotAvailableError,
        kafka.CoordinatorLoadInProgressError,
        kafka.NotCoordinatorError,
    ),
    "leader for it": (kafka.LeaderNotAvailableError, kafka.NotLeaderForPartitionError),
}
"""Brokers answer, and say that somebody of theirs is still being chosen, or has just moved."""
_DISK: Final = (kafka.KafkaStorageError, kafka.LogDirNotFound)


def fault(error: BaseException, doing: str) -> Exception:
    """What to raise for an error that came while `doing` ("committing a step of match 3").

    Its message quotes no record. What is warn's own already stays what it is. The order counts: a fence that shows
    as a generic error is found by its cause.
    """
    causes = list(_causes(error))
    for one in causes:
        if isinstance(one, WarnError | FencedError | UnreadableStateError):
            return one
    if _any(causes, _FENCED):
        return FencedError(
            f"{doing}: somebody else has opened this seat, or its transaction took too long; again and again: two "
            "installations have one prefix, or --partitions names it twice"
        )
    if found := _any(causes, _FORBIDDEN):
        return PermanentError(f"{doing}: {_forbidden(found)}", reason=Reason.AUTH)
    if found := _any(causes, _CONFIG):
        return PermanentError(
            f"{doing}: {_name(found)}: the Kafka topic is not as warn needs it; run `warn init`",
            reason=Reason.CONFIG,
        )
    if _any(causes, _DISK):
        return TemporaryError(
            f"{doing}: a broker cannot write to its disk", reason=Reason.DISK, retry_after_s=10.0
        )
    # Before the network: a TimeoutError is an OSError.
    if _any(causes, _TIMEOUT):
        return TemporaryError(f"{doing}: the brokers did not answer in time", reason=Reason.TIMEOUT)
    if found := _any(causes, _NETWORK):
        return TemporaryError(
            f"{doing}: no broker can be reached ({_name(found)}); `warn doctor` says what is wrong",
            reason=Reason.NETWORK,
        )
    for what, kinds in _NOT_YET.items():
        if found := _any(causes, kinds):
            return TemporaryError(
                f"{doing}: the brokers have no {what} yet ({_name(found)}): a new cluster, or one that has lost a broker, "
                "needs a moment; if it lasts, `warn doctor` says what is wrong",
                reason=Reason.NETWORK,
            )
    return TemporaryError(f"{doing}: {_name(causes[-1])}", reason=Reason.UNEXPECTED)


def step_fault(error: BaseException, doing: str) -> Exception:
    """The same for a step in a transaction, where "unknown server error" means a fence.

    A commit that arrives while the successor's fence is being written makes the coordinator of 4.2.1 fail within
    ("already a pending state PREPARE_EPOCH_FENCE"); the step is then undone. Whatever else it may be, opening the seat
    anew if it is still ours is the cure.
    """
    if _any(list(_causes(error)), (kafka.UnknownError,)):
        return FencedError(
            f"{doing}: the coordinator failed on it, as it does while somebody opens this seat"
        )
    return fault(error, doing)


def _forbidden(error: BaseException) -> str:
    if isinstance(error, kafka.TransactionalIdAuthorizationFailed):
        return "not allowed: grant Write and Describe on transactional ids that begin with the prefix"
    if isinstance(error, kafka.GroupAuthorizationFailedError):
        return "not allowed: grant Read on groups that begin with the prefix"
    if isinstance(error, kafka.TopicAuthorizationFailedError):
        return "not allowed: grant Read, Write and Describe on topics that begin with the prefix"
    if isinstance(error, kafka.ClusterAuthorizationFailedError):
        return "not allowed: grant IdempotentWrite on the cluster"
    return f"refused ({_name(error)}): look at bus.kafka.security; `warn doctor` says what is wrong"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came from; aiokafka wraps what it did not expect."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _any(causes: list[BaseException], kinds: tuple[type[BaseException], ...]) -> BaseException | None:
    return next((one for one in causes if isinstance(one, kinds)), None)


def _name(error: BaseException) -> str:
    return type(error).__name__
