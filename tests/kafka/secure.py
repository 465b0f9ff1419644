"""A broker that wants to know who asks: TLS and SASL on a listener of its own, with ACLs, beside the plain one.

    certs = make_certs(folder)
    kafka = make_kafka(**secure(certs, {"warn": "secret"}))
    config = secure_config(kafka, certs, username="warn", password="secret")
    grant(kafka, "warn", "--topic warn. --resource-pattern-type prefixed", ["Read"])

The plain listener lets its users do everything: it is the test's own.
"""

import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from tests.kafka.brokers import Brokers, Listener
from warn.bus.kafka.config import KafkaConfig, Security
from warn.bus.kafka.probe import Address, reach
from warn.bus.kafka.trouble import AwayError, RefusedError, Trouble

SECURE: Final = "SECURE"
_CURVE: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
# Who signs a certificate, the names in it, and for how many days it is valid.
_LEAVES: Final = {
    "server": ("ca", "IP:127.0.0.1,DNS:localhost", "30"),
    "other-host": ("ca", "DNS:kafka.example", "30"),
    "expired": ("ca", "IP:127.0.0.1,DNS:localhost", "0"),
    "client": ("ca", "DNS:warn", "30"),
    "stranger": ("wrong-ca", "DNS:warn", "30"),
}


def make_certs(where: Path) -> Path:
    """PEM files: authorities `ca` and `wrong-ca`; `<name>.pem` with key and certificate, `.crt` and `.key` apart."""
    where.mkdir(parents=True, exist_ok=True)

    def openssl(*args: str) -> None:
        subprocess.run(("openssl", *args), check=True, capture_output=True, cwd=where)

    for ca in ("ca", "wrong-ca"):
        subject = ("-days", "30", "-subj", f"/CN={ca}")
        openssl("req", "-x509", *_CURVE, "-keyout", f"{ca}.key", "-out", f"{ca}.pem", *subject)
    for name, (ca, names, days) in _LEAVES.items():
        openssl("req", *_CURVE, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (where / f"{name}.ext").write_text(
            f"subjectAltName={names}\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
        )
        signed = ("-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial", "-days", days)
        into = ("-in", f"{name}.csr", "-out", f"{name}.crt", "-extfile", f"{name}.ext")
        openssl("x509", "-req", *into, *signed)
        key, crt = (where / f"{name}.key").read_text(), (where / f"{name}.crt").read_text()
        (where / f"{name}.pem").write_text(key + crt)
    locked = ("-in", "client.key", "-out", "client-locked.key", "-passout", "pass:open sesame")
    openssl("pkcs8", "-topk8", "-v2", "aes-256-cbc", *locked)
    return where


def secure(
    certs: Path,
    users: Mapping[str, str],
    *,
    protocol: str = "SASL_SSL",
    server: str = "server",
    mechanisms: str = "SCRAM-SHA-512",
    client_certificates: bool = False,
) -> dict[str, Any]:
    """Arguments of `make_kafka` for such a broker; SCRAM's users with their passwords, which PLAIN takes, too."""
    plain = " ".join(f'user_{name}="{password}"' for name, password in users.items())
    here = f"listener.name.{SECURE.lower()}"
    jaas = "org.apache.kafka.common.security"
    settings = {
        "sasl.enabled.mechanisms": mechanisms,
        f"{here}.scram-sha-512.sasl.jaas.config": f"{jaas}.scram.ScramLoginModule required;",
        f"{here}.plain.sasl.jaas.config": f"{jaas}.plain.PlainLoginModule required {plain};",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "allow.everyone.if.no.acl.found": "false",
    }
    if protocol.endswith("SSL"):
        settings |= {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str((certs / f"{server}.pem").resolve()),
        }
    if client_certificates:
        settings |= {
            f"{here}.ssl.client.auth": "required",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str((certs / "ca.pem").resolve()),
        }
    scram = [a for u, p in users.items() for a in ("--add-scram", f"SCRAM-SHA-512=[name={u},password={p}]")]
    return {"listener": Listener(SECURE, protocol), "settings": settings, "format_args": scram}


def secure_config(kafka: Brokers, certs: Path | None, **of: Any) -> KafkaConfig:
    """How a client reaches the secure listener; `of`: fields of `Security`, and of `KafkaConfig`."""
    fields = {name: of.pop(name) for name in list(of) if name in Security.__dataclass_fields__}
    security = Security(**{"protocol": "sasl_ssl", "ca": certs / "ca.pem" if certs else None, **fields})
    bootstrap = tuple(of.pop("bootstrap", kafka.bootstrap_of(SECURE)).split(","))
    return KafkaConfig(bootstrap, security=security, **{"allow_unsafe": True, **of})


async def trouble(config: KafkaConfig) -> Trouble:
    """What keeps a client from the first broker; that no secret is in it is seen to here."""
    with pytest.raises((AwayError, RefusedError)) as caught:
        await (await reach(Address.parse(config.bootstrap[0]), config)).close()
    assert not config.security.password or config.security.password not in str(caught.value)
    found: Trouble = caught.value.trouble  # type: ignore[attr-defined]
    return found


def grant(kafka: Brokers, user: str, resource: str, operations: Iterable[str]) -> None:
    """Allow a user what `kafka-acls.sh` would with these words: `--topic warn. --resource-pattern-type prefixed`."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    asked = [_acl(user, resource, o) for o in operations]
    for made in admin.create_acls(asked).values():
        made.result(10)
    _until(lambda: set(asked) <= set(_acls(admin, user)))


def revoke_all(kafka: Brokers, user: str) -> None:
    """Take everything from a user that it was ever granted."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for gone in admin.delete_acls([_every(user)]).values():
        gone.result(10)
    _until(lambda: not _acls(admin, user))


def _until(true: Callable[[], bool]) -> None:
    """The controller has said yes; the broker hears of it a moment later."""
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _acls(admin: AdminClient, user: str) -> list[AclBinding]:
    found: list[AclBinding] = admin.describe_acls(_every(user)).result(10)
    return found


def _every(user: str) -> AclBindingFilter:
    return AclBindingFilter(
        ResourceType.ANY, None, ResourcePatternType.ANY, f"User:{user}", None, AclOperation.ANY, AclPermissionType.ANY
    )  # fmt: skip


_KINDS: Final = {
    "--topic": ResourceType.TOPIC,
    "--group": ResourceType.GROUP,
    "--transactional-id": ResourceType.TRANSACTIONAL_ID,
    "--cluster": ResourceType.BROKER,
}
_OPERATIONS: Final = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "Create": AclOperation.CREATE,
    "Describe": AclOperation.DESCRIBE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
    "IdempotentWrite": AclOperation.IDEMPOTENT_WRITE,
}


def _acl(user: str, resource: str, operation: str) -> AclBinding:
    words = resource.split()
    kind = _KINDS[words[0]]
    name = "kafka-cluster" if kind is ResourceType.BROKER else words[1]
    pattern = ResourcePatternType.PREFIXED if "prefixed" in words else ResourcePatternType.LITERAL
    who = f"User:{user}"
    return AclBinding(kind, name, pattern, who, "*", _OPERATIONS[operation], AclPermissionType.ALLOW)
