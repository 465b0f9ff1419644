"""Who we are to the brokers: what aiokafka is given, and what is refused before anything is sent."""

from pathlib import Path

import pytest

from warn.bus.kafka.config import KafkaConfig, Security, security_arguments
from warn.model.errors import PermanentError, Reason


def test_plaintext_needs_nothing() -> None:
    """No TLS, no names."""
    assert security_arguments(Security()) == {"security_protocol": "PLAINTEXT"}


def test_scram_over_tls() -> None:
    """The certificates that this machine trusts, and the broker's name checked."""
    given = security_arguments(Security(protocol="sasl_ssl", username="warn", password="p"))
    context = given.pop("ssl_context")
    assert context.check_hostname
    assert given == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "warn",
        "sasl_plain_password": "p",
    }


def test_plain_in_the_clear_is_refused() -> None:
    """Here too, for those who do not come by way of the settings."""
    clear = Security(protocol="sasl_plaintext", mechanism="PLAIN", username="warn", password="canary")
    with pytest.raises(PermanentError, match="it needs TLS") as caught:
        security_arguments(clear)
    assert caught.value.reason is Reason.CONFIG
    assert "canary" not in str(caught.value)


def test_no_secret_is_in_what_is_printed() -> None:
    """A configuration may be logged."""
    secret = Security(protocol="sasl_ssl", username="warn", password="canary-1", key_password="canary-2")
    assert "canary" not in repr(KafkaConfig(("k:1",), security=secret))


@pytest.mark.parametrize("of", ["ca", "certificate"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, of: str) -> None:
    """And so is one that holds something else."""
    path = tmp_path / "file.pem"
    with pytest.raises(PermanentError, match=f"{path}: cannot be read: No such file"):
        security_arguments(Security(protocol="ssl", **{of: path}))
    path.write_text("nothing of the kind")
    with pytest.raises(PermanentError, match=f"{path}: holds no certificate"):
        security_arguments(Security(protocol="ssl", **{of: path}))


def test_one_context_for_all_clients_until_a_file_changes() -> None:
    """Reading all that a machine trusts takes tens of milliseconds, and a hundred seats have a client each."""
    first, second = (security_arguments(Security(protocol="ssl"))["ssl_context"] for _ in range(2))
    assert first is second
