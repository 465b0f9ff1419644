"""What aiokafka raises is told in the words of the port, with what there is to do."""

import pytest
from aiokafka import errors as kafka

from warn.bus.base import FencedError
from warn.bus.codec import UnreadableStateError
from warn.bus.kafka.faults import fault, step_fault
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError

CASES = {
    # error: (what it is told as, its reason, a word of its message)
    kafka.KafkaTimeoutError("x"): (TemporaryError, Reason.TIMEOUT, "in time"),
    TimeoutError(): (TemporaryError, Reason.TIMEOUT, "in time"),
    kafka.NotEnoughReplicasError(): (TemporaryError, Reason.TIMEOUT, "in time"),
    kafka.KafkaConnectionError("Unable to bootstrap"): (TemporaryError, Reason.NETWORK, "warn doctor"),
    ConnectionRefusedError(): (TemporaryError, Reason.NETWORK, "warn doctor"),
    kafka.NotLeaderForPartitionError(): (TemporaryError, Reason.NETWORK, "warn doctor"),
    kafka.LeaderNotAvailableError(): (TemporaryError, Reason.NETWORK, "no leader for it yet"),
    kafka.GroupCoordinatorNotAvailableError(): (TemporaryError, Reason.NETWORK, "needs a moment"),
    kafka.CoordinatorLoadInProgressError(): (TemporaryError, Reason.NETWORK, "no coordinator for it yet"),
    kafka.NotCoordinatorError(): (TemporaryError, Reason.NETWORK, "no coordinator for it yet"),
    kafka.KafkaStorageError(): (TemporaryError, Reason.DISK, "disk"),
    kafka.OutOfOrderSequenceNumber(): (TemporaryError, Reason.UNEXPECTED, "OutOfOrderSequenceNumber"),
    kafka.InvalidTxnState(): (TemporaryError, Reason.UNEXPECTED, "InvalidTxnState"),
    kafka.UnknownError(): (TemporaryError, Reason.UNEXPECTED, "UnknownError"),
    AssertionError("Invalid state transition"): (TemporaryError, Reason.UNEXPECTED, "AssertionError"),
    kafka.TopicAuthorizationFailedError("t"): (PermanentError, Reason.AUTH, "Read, Write and Describe"),
    kafka.TransactionalIdAuthorizationFailed("t"): (PermanentError, Reason.AUTH, "transactional ids"),
    kafka.GroupAuthorizationFailedError("g"): (PermanentError, Reason.AUTH, "groups"),
    kafka.ClusterAuthorizationFailedError(): (PermanentError, Reason.AUTH, "IdempotentWrite"),
    kafka.SaslAuthenticationFailed(): (PermanentError, Reason.AUTH, "bus.kafka.security"),
    kafka.MessageSizeTooLargeError(): (PermanentError, Reason.CONFIG, "warn init"),
    kafka.UnknownTopicOrPartitionError(): (PermanentError, Reason.CONFIG, "warn init"),
}


@pytest.mark.parametrize("error", CASES, ids=lambda e: type(e).__name__)
def test_errors_have_a_reason_and_a_remedy(error: Exception) -> None:
    """Temporary or permanent, with a word of the closed set, and what was being done."""
    kind, reason, word = CASES[error]
    told = fault(error, "committing a step of match/3")
    assert type(told) is kind
    assert isinstance(told, WarnError)
    assert told.reason is reason
    assert str(told).startswith("committing a step of match/3")
    assert word in str(told)


@pytest.mark.parametrize("error", [kafka.ProducerFenced(), kafka.InvalidProducerEpoch()])
def test_a_fence_is_found_behind_a_generic_error(error: Exception) -> None:
    """aiokafka's sender wraps what it did not expect; who is fenced has to let go all the same."""
    wrapped = kafka.KafkaError("Unexpected error during batch delivery")
    wrapped.__cause__ = error
    assert isinstance(fault(error, "x"), FencedError)
    assert isinstance(fault(wrapped, "x"), FencedError)


def test_no_broker_is_said_to_be_away_that_answers() -> None:
    """A new cluster has no coordinator for a moment; behind a lost connection it is the connection that counts."""
    missing = kafka.GroupCoordinatorNotAvailableError()
    assert "reached" not in str(fault(missing, "telling lag tools"))
    missing.__cause__ = kafka.KafkaConnectionError("x")
    assert "no broker can be reached" in str(fault(missing, "telling lag tools"))


def test_an_unknown_error_of_a_step_is_a_fence() -> None:
    """Brokers fail on a commit that meets a fence; anywhere else the same word means nothing."""
    wrapped = kafka.KafkaError("Unexpected error during batch delivery")
    wrapped.__cause__ = kafka.UnknownError()
    assert isinstance(step_fault(wrapped, "x"), FencedError)
    assert isinstance(fault(wrapped, "x"), TemporaryError)
    assert isinstance(step_fault(kafka.KafkaTimeoutError(), "x"), TemporaryError)


@pytest.mark.parametrize(
    "error", [TemporaryError("t", reason=Reason.DISK), FencedError("f"), UnreadableStateError("u")]
)
def test_what_is_told_already_stays(error: Exception) -> None:
    """Our own errors come out as they went in, also from behind a cancellation."""
    assert fault(error, "x") is error


def test_messages_do_not_quote() -> None:
    """An unexpected error's own text may hold what was sent: only its type is told."""
    assert "secret" not in str(fault(kafka.KafkaError("Sending (key=b'secret')"), "x"))


def test_circles_of_causes_end() -> None:
    """Exceptions may name each other as their context."""
    one, two = KeyError(), KeyError()
    one.__context__, two.__context__ = two, one
    assert isinstance(fault(one, "x"), TemporaryError)
