"""What can be set about Kafka: where it is, who we are to it, and what warn asks of it.

Without `bus.kafka` there is the embedded bus. Names and values are Kafka's own, in any case (`SASL_SSL`, `sasl_ssl`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)

if TYPE_CHECKING:
    from warn.bus.kafka.config import KafkaConfig


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _joined(value: object) -> object:
    """A list of addresses is as good as Kafka's own form with commas."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value


def _addresses(value: str) -> str:
    for one in value.split(","):
        host, colon, port = one.strip().rpartition(":")
        if not host or not colon or not port.isdecimal() or not 0 < int(port) < 65_536:
            raise ValueError(f"{one.strip()!r} is not host:port")
    return value


class KafkaSecurity(BaseModel):
    """Who we are to the brokers, and how we know them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: Annotated[
        Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"], BeforeValidator(_lower)
    ] = "plaintext"
    ca: Path | None = None
    """Certificates of the authorities that sign the brokers' (PEM); without it, those that this machine trusts."""
    certificate: Path | None = None
    """Our own (PEM), where the brokers want one."""
    key: Path | None = None
    """Its key; it may also lie in the file of the certificate."""
    key_password: SecretStr | None = None
    mechanism: Annotated[Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"], BeforeValidator(_upper)] = (
        "SCRAM-SHA-512"
    )
    username: str = ""
    password: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        mistakes = [*self._of_sasl(), *self._of_tls()]
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    def _of_sasl(self) -> Sequence[str]:
        sasl, secret = self.protocol.startswith("sasl_"), self.password.get_secret_value()
        if not sasl:
            named = self.username or secret
            return (
                ["username and password have no effect without protocol sasl_ssl or sasl_plaintext"]
                if named
                else []
            )
        found = [
            f"protocol {self.protocol} needs a {key}"
            for key, value in (("username", self.username), ("password", secret))
            if not value
        ]
        if self.mechanism == "PLAIN" and self.protocol == "sasl_plaintext":
            from warn.bus.kafka.config import PLAIN_WITHOUT_TLS

            found.append(PLAIN_WITHOUT_TLS)
        return found

    def _of_tls(self) -> Sequence[str]:
        files = {"ca": self.ca, "certificate": self.certificate, "key": self.key}
        given = [name for name, path in files.items() if path is not None]
        if given and not self.protocol.endswith("ssl"):
            return [f"{', '.join(given)}: has no effect without TLS: take protocol ssl or sasl_ssl"]
        if self.key is not None and self.certificate is None:
            return ["a key without a certificate has no effect"]
        return []


class KafkaSettings(BaseModel):
    """A Kafka cluster."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bootstrap: Annotated[str, BeforeValidator(_joined), AfterValidator(_addresses)]
    """Brokers to begin with: host:port, more of them with commas between."""
    prefix: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$")] = "warn"
    """Begins the name of every Kafka topic, group and transactional id."""
    security: KafkaSecurity = KafkaSecurity()
    replication: Annotated[int, Field(ge=1, le=15)] = 3
    """Copies of each Kafka topic."""
    min_insync: Annotated[int, Field(ge=1, le=15)] = 2
    """Copies that have to be written before a commit counts."""
    allow_unsafe: bool = False
    """Start also where committed records can be lost: one broker, one copy, Kafka 4.3."""

    @model_validator(mode="after")
    def _can_be_written(self) -> Self:
        if self.min_insync > self.replication:
            raise ValueError(
                f"min_insync {self.min_insync} of {self.replication} copies: nothing could be written"
            )
        return self

    def config(self, mentions: int, signals: int, collect: int) -> "KafkaConfig":
        """For the bus."""
        # Here, not above: who does not use Kafka need not wait for its client.
        from warn.bus.kafka.config import KafkaConfig, Security
        from warn.model.flow import COLLECT, MENTIONS, SIGNALS

        given = self.security
        key_password = given.key_password.get_secret_value() if given.key_password else None
        return KafkaConfig(
            tuple(one.strip() for one in self.bootstrap.split(",")),
            prefix=self.prefix,
            security=Security(
                protocol=given.protocol,
                ca=given.ca,
                certificate=given.certificate,
                key=given.key,
                key_password=key_password,
                mechanism=given.mechanism,
                username=given.username,
                password=given.password.get_secret_value(),
            ),
            replication=self.replication,
            min_insync=self.min_insync,
            allow_unsafe=self.allow_unsafe,
            partitions={MENTIONS: mentions, SIGNALS: signals, COLLECT: collect},
        )
