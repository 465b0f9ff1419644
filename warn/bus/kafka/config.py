"""How to reach a Kafka cluster, and what warn asks of it."""

from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Literal

Protocol = Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]


@dataclass(frozen=True)
class Security:
    """Who we are to the brokers, and how we know them.

    `ca`: certificates to trust (PEM); None: those this machine trusts. `certificate` and `key`: our own, where clients
    have to show one. PLAIN sends the password as it is, so it is refused without TLS.
    """

    protocol: Protocol = "plaintext"
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    key_password: str | None = field(default=None, repr=False)
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class KafkaConfig:
    """One cluster. Times are in milliseconds where Kafka's own settings are.

    `prefix` begins the name of every Kafka topic (`warn.mentions`), group and transactional id: two installations on
    one cluster differ in it. `replication` and `min_insync` are what `warn init` creates topics with, and what a
    production set-up has at least. `allow_unsafe`: go on where it has less, or runs a release that loses commits.
    """

    bootstrap: tuple[str, ...]
    _: KW_ONLY
    prefix: str = "warn"
    security: Security = Security()
    replication: int = 3
    min_insync: int = 2
    allow_unsafe: bool = False
    request_timeout_ms: int = 3_000
    transaction_timeout_ms: int = 60_000
    session_timeout_ms: int = 6_000
    heartbeat_ms: int = 1_000

    def topic(self, name: str) -> str:
        """The name in Kafka of one of our topics."""
        return f"{self.prefix}.{name}"
