"""`bus.kafka`: what can be set, where secrets come from, and what cannot go together."""

from pathlib import Path

import pytest

from warn.bus.kafka.config import KafkaConfig, Security
from warn.settings import SettingsError, load


@pytest.fixture(autouse=True)
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of secrets that the settings look into."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.setenv("WARN_SECRETS_DIR", str(folder))
    return folder


def config(tmp_path: Path, text: str) -> KafkaConfig:
    """What the bus is given for a file of settings."""
    path = tmp_path / "warn.yaml"
    path.write_text(text)
    bus = load(path).settings.bus
    assert bus.kafka is not None
    return bus.kafka.config(bus.mentions, bus.signals, bus.collect)


def mistakes(tmp_path: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        config(tmp_path, text)
    return str(caught.value)


def test_without_it_the_bus_is_embedded() -> None:
    """One partition of each, and no collect but one."""
    bus = load().settings.bus
    assert (bus.kafka, bus.mentions, bus.signals, bus.collect) == (None, 1, 1, 1)


def test_one_address_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the environment, with six partitions of each, and safe defaults."""
    monkeypatch.setenv("WARN_BUS__KAFKA__BOOTSTRAP", "a:9092, b:9092")
    bus = load().settings.bus
    assert bus.kafka is not None
    assert bus.kafka.config(bus.mentions, bus.signals, bus.collect) == KafkaConfig(
        ("a:9092", "b:9092"),
        replication=3,
        min_insync=2,
        partitions={"mentions": 6, "signals": 6, "collect": 6},
    )


def test_everything_can_be_set(tmp_path: Path, secrets: Path) -> None:
    """In Kafka's words, in any case; secrets from their folder."""
    secret = secrets / "warn_bus__kafka__security__password"
    secret.write_text("hidden\n")
    secret.chmod(0o600)
    text = (
        "bus:\n  mentions: 12\n  kafka:\n    bootstrap: [a:9092, 'b:9093']\n    prefix: acme.warn\n"
        "    replication: 2\n    min_insync: 2\n    allow_unsafe: true\n"
        "    security: {protocol: SASL_SSL, mechanism: scram-sha-256, username: warn, ca: ca.pem}\n"
    )
    assert config(tmp_path, text) == KafkaConfig(
        ("a:9092", "b:9093"),
        prefix="acme.warn",
        security=Security(
            protocol="sasl_ssl",
            mechanism="SCRAM-SHA-256",
            username="warn",
            password="hidden",
            ca=Path("ca.pem"),
        ),
        replication=2,
        min_insync=2,
        allow_unsafe=True,
        partitions={"mentions": 12, "signals": 6, "collect": 6},
    )


@pytest.mark.parametrize(
    ("security", "said"),
    [
        ("protocol: sasl_plaintext, mechanism: PLAIN, username: u, password: canary", "PLAIN sends the password as it is, so it needs TLS"),
        ("protocol: sasl_ssl, username: u", "protocol sasl_ssl needs a password"),
        ("protocol: sasl_ssl, password: canary", "protocol sasl_ssl needs a username"),
        ("protocol: ssl, username: u, password: canary", "have no effect without protocol sasl_ssl or sasl_plaintext"),
        ("ca: ca.pem, certificate: c.pem", "ca, certificate: has no effect without TLS"),
        ("protocol: ssl, key: k.pem", "a key without a certificate has no effect"),
        ("protocol: kerberos", "bus.kafka.security.protocol: "),
        ("mechanism: GSSAPI", "bus.kafka.security.mechanism: "),
        ("pasword: canary", "there is no setting `pasword` here"),
    ],
)  # fmt: skip
def test_security_that_cannot_be(tmp_path: Path, security: str, said: str) -> None:
    """Told with its place, without the secret."""
    text = f"bus:\n  kafka:\n    bootstrap: a:9092\n    security: {{{security}}}\n"
    found = mistakes(tmp_path, text)
    assert said in found
    assert found.startswith(f"{tmp_path}/warn.yaml:4:")


@pytest.mark.parametrize(
    ("bus", "said"),
    [
        ("kafka: {bootstrap: kafka}", "'kafka' is not host:port"),
        ("kafka: {bootstrap: 'a:9092,b:0'}", "'b:0' is not host:port"),
        ("kafka: {bootstrap: a:9092, prefix: 'a b'}", "bus.kafka.prefix"),
        ("kafka: {bootstrap: a:9092, replication: 1}", "min_insync 2 of 1 copies: nothing could be written"),
        ("kafka: {prefix: a}", "bus.kafka.bootstrap: is missing"),
        ("mentions: 7\n  kafka: {bootstrap: a:9092}", "must divide 60"),
        ("collect: 6", "collect is 1 without bus.kafka"),
    ],
)
def test_a_bus_that_cannot_be(tmp_path: Path, bus: str, said: str) -> None:
    """Told with its place."""
    assert said in mistakes(tmp_path, f"bus:\n  {bus}\n")
