"""Certificates on both sides: which is wrong, and in what, has a line of its own."""

import asyncio
import ssl
from pathlib import Path
from typing import Final

import pytest

from tests.kafka.fixtures import started
from tests.kafka.secure import make_certs, secure, secure_config, trouble
from warn.bus.kafka.config import KafkaConfig, Security
from warn.bus.kafka.probe import Address, reach
from warn.bus.kafka.trouble import Fault

pytestmark = pytest.mark.real

USERS: Final = {"warn": "secret"}
WARN: Final = {"username": "warn", "password": "secret"}


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certs(tmp_path_factory.mktemp("certs"))


async def test_a_certificate_for_another_host_names_what_it_is_for(certs: Path) -> None:
    """The name that would do stands in the line."""
    kafka = started(**secure(certs, USERS, server="other-host"))
    try:
        found = await trouble(secure_config(kafka, certs, **WARN))
    finally:
        kafka.stop()
    assert (found.fault, found.what) == (
        Fault.HOST_NAME,
        "has a certificate that is not for '127.0.0.1' (it is for kafka.example)",
    )


async def test_client_certificates(certs: Path) -> None:
    """A broker that wants one gets it; without, or with a stranger's, it says so."""
    kafka = started(**secure(certs, {}, protocol="SSL", client_certificates=True))
    try:
        none = await trouble(secure_config(kafka, certs, protocol="ssl"))
        stranger = await trouble(
            secure_config(kafka, certs, protocol="ssl", certificate=certs / "stranger.pem")
        )
        locked = {"certificate": certs / "client.crt", "key": certs / "client-locked.key"}
        good = ({"certificate": certs / "client.pem"}, {**locked, "key_password": "open sesame"})
        for one in good:
            config = secure_config(kafka, certs, protocol="ssl", **one)
            await (await reach(Address.parse(config.bootstrap[0]), config)).close()
    finally:
        kafka.stop()
    assert (none.fault, stranger.fault) == (Fault.OUR_CERTIFICATE, Fault.OUR_CERTIFICATE)
    assert none.what.startswith("wants a certificate from us")
    assert stranger.what.startswith(f"does not accept our certificate {certs / 'stranger.pem'}")


async def test_a_certificate_that_has_expired(certs: Path) -> None:
    """A broker would not start with one; it expires while it runs."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certs / "expired.pem")
    await asyncio.sleep(1.1)  # it is valid for the second in which it was made

    async def nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    server = await asyncio.start_server(nothing, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    asked = KafkaConfig((f"127.0.0.1:{port}",), security=Security(protocol="ssl", ca=certs / "ca.pem"))
    found = await trouble(asked)
    server.close()
    assert (found.fault, found.what) == (Fault.EXPIRED, "has a certificate that has expired")
