"""How to reach a Kafka cluster, who we are to it, and what warn asks of it."""

import ssl
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

from warn.model.errors import PermanentError, Reason
from warn.model.flow import COLLECT, MENTIONS, SIGNALS

Protocol = Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]

PARTITIONS: Final[Mapping[str, int]] = {MENTIONS: 6, SIGNALS: 6, COLLECT: 6}
"""Partitions where nothing else is asked for; of collect, those that its connectors are spread over."""


@dataclass(frozen=True)
class Security:
    """Who we are to the brokers, and how we know them.

    `ca`: certificates to trust (PEM); None: those this machine trusts. `certificate` and `key`: our own, where clients
    have to show one (`key` may lie in the same file). PLAIN sends the password as it is, so it is refused without TLS.
    """

    protocol: Protocol = "plaintext"
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    key_password: str | None = field(default=None, repr=False)
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def tls(self) -> bool:
        """Is the connection encrypted, and the broker's certificate checked?"""
        return self.protocol in ("ssl", "sasl_ssl")

    @property
    def sasl(self) -> bool:
        """Do we name ourselves with a user name and a password?"""
        return self.protocol in ("sasl_plaintext", "sasl_ssl")


@dataclass(frozen=True)
class KafkaConfig:
    """One cluster. Times are in milliseconds where Kafka's own settings are.

    `prefix` begins the name of every Kafka topic (`warn.mentions`), group and transactional id: two installations on
    one cluster differ in it. `replication` and `min_insync` are what `warn init` creates topics with, and what a
    production set-up has at least. `allow_unsafe`: go on where it has less, or runs a release that loses commits.
    `partitions`: of `[mentions]`, `[signals]` and collect; what is not named has those of `PARTITIONS`.
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
    partitions: Mapping[str, int] = field(default_factory=dict)

    def topic(self, name: str) -> str:
        """The name in Kafka of one of our topics."""
        return f"{self.prefix}.{name}"


def security_arguments(security: Security) -> dict[str, Any]:
    """The arguments that every aiokafka client takes.

    Files are read again when they have changed, so a renewed certificate counts from the next client on. Raises
    `PermanentError` (reason `config`) where a file cannot be used, or a password would travel in the clear.
    """
    given: dict[str, Any] = {"security_protocol": security.protocol.upper()}
    if security.tls:
        given["ssl_context"] = ssl_context(security)
    if security.sasl:
        if security.mechanism == "PLAIN" and not security.tls:
            raise PermanentError(PLAIN_WITHOUT_TLS, reason=Reason.CONFIG)
        given["sasl_mechanism"] = security.mechanism
        given["sasl_plain_username"] = security.username
        given["sasl_plain_password"] = security.password
    return given


PLAIN_WITHOUT_TLS: Final = (
    "mechanism PLAIN sends the password as it is, so it needs TLS: "
    "take protocol sasl_ssl, or mechanism SCRAM-SHA-512"
)


def ssl_context(security: Security) -> ssl.SSLContext:
    """TLS as this security asks for it: the broker's certificate and name are always checked.

    Raises `PermanentError` that names the file and what is wrong with it.
    """
    files = [p for p in (security.ca, security.certificate, security.key) if p is not None]
    stamps = []
    for path in files:
        try:
            with path.open("rb"):
                stamps.append(path.stat().st_mtime_ns)
        except OSError as e:
            raise PermanentError(f"{path}: cannot be read: {e.strerror}", reason=Reason.CONFIG) from None
    return _context(security, tuple(stamps))


@lru_cache(maxsize=8)
def _context(security: Security, _stamps: tuple[int, ...]) -> ssl.SSLContext:
    """Kept, because reading all the certificates that a machine trusts takes tens of milliseconds."""
    try:
        context = ssl.create_default_context(cafile=security.ca)
    except (ssl.SSLError, ValueError):
        message = f"{security.ca}: holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"
        raise PermanentError(message, reason=Reason.CONFIG) from None
    if security.certificate is not None:
        _show_certificate(context, security, security.certificate)
    return context


def _show_certificate(context: ssl.SSLContext, security: Security, certificate: Path) -> None:
    locked = False

    def password() -> str:
        # Without an answer OpenSSL would ask on the terminal, and wait.
        nonlocal locked
        locked = True
        if security.key_password is None:
            raise PermanentError(
                f"{security.key or certificate}: the key is encrypted: give security.key_password",
                reason=Reason.CONFIG,
            )
        return security.key_password

    try:
        context.load_cert_chain(certificate, security.key, password)
    except ssl.SSLError as e:
        what = "holds no certificate with its key in PEM form"
        if locked:
            what = "the key cannot be decrypted: security.key_password is wrong"
        elif e.reason == "KEY_VALUES_MISMATCH":
            what = "the key does not belong to the certificate"
        where = f"{certificate} and {security.key}" if security.key else str(certificate)
        raise PermanentError(f"{where}: {what}", reason=Reason.CONFIG) from None
