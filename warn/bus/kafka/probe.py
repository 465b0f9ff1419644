"""Reaches one broker step by step, each with its own deadline, so that what fails can be told apart.

Name, TCP, TLS, Kafka, sign-in. Nothing here writes to the cluster or joins anything, so it may be asked at any time.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, Self

from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import IncompatibleBrokerVersion, KafkaConnectionError, KafkaError, for_code
from aiokafka.protocol.admin import SaslAuthenticateRequest, SaslHandShakeRequest

from warn.bus.kafka import trouble, wire
from warn.bus.kafka.config import KafkaConfig, Security, ssl_context
from warn.bus.kafka.handshake import names_in_certificate, speaks_tls
from warn.bus.kafka.trouble import AwayError, RefusedError

_UNSUPPORTED_MECHANISM: Final = 33
_ILLEGAL_STATE: Final = 34
_GOODBYE_S: Final = 1.0

ReachErrors: Final = (AwayError, RefusedError)
"""What reaching a broker raises; each holds its `trouble`."""


class Address(NamedTuple):
    """Where a broker listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of host:port; the host may be [::1]. Raises `ValueError`."""
        host, colon, port = text.strip().rpartition(":")
        host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65_536:
            raise ValueError(f"{text!r} is not host:port")
        return cls(host, int(port))


class Node:
    """A connection to one broker, signed in; requests have a deadline each."""

    def __init__(self, address: Address, conn: AIOKafkaConnection, config: KafkaConfig) -> None:
        self.address = address
        self.features = wire.Features({}, {})
        self.conn = conn
        self._config = config

    async def ask(self, request: Any, limit_s: float | None = None) -> Any:
        """The answer. Raises `AwayError`, `RefusedError`."""
        limit = limit_s or self._config.request_timeout_ms / 1000
        where = str(self.address)
        try:
            async with asyncio.timeout(limit):
                return await self.conn.send(request)
        except TimeoutError:
            raise trouble.silent(where, limit, "Kafka").error() from None
        except (NotImplementedError, IncompatibleBrokerVersion):
            raise trouble.too_old(where).error() from None
        except KafkaConnectionError as e:
            raise _explained(self.address, self._config, e) from None

    async def close(self) -> None:
        """Hang up."""
        # aiokafka forgets the transport where TLS fails after the handshake, and leaves its socket open.
        transport = getattr(self.conn._protocol, "_transport", None)  # noqa: SLF001 - it has no other name
        said_goodbye = self.conn.connected()
        closed = self.conn.close()
        if said_goodbye:
            with suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await closed
        if transport is not None:
            transport.abort()


async def reach(address: Address, config: KafkaConfig) -> Node:
    """Connect and sign in. Raises `AwayError`, `RefusedError`; takes at most some five request time-outs."""
    limit = config.request_timeout_ms / 1000
    security = config.security
    await _connectable(address, limit)
    node = Node(address, _connection(address, config, tls=security.tls), config)
    try:
        await _greet(node, config, limit)
        # The features last: who has not signed in may ask for versions once only.
        if security.sasl:
            await _sign_in(node, security)
        elif mechanisms := await _wants_sasl(address, config, node):
            raise trouble.sasl_wanted(str(address), mechanisms, security).error()
        answer = await node.ask(wire.AskFeatures())
        node.features = wire.features(answer)
    except BaseException:
        await node.close()
        raise
    return node


async def resolve(address: Address, limit_s: float) -> Sequence[tuple[Any, ...]]:
    """Socket addresses of a name. In a thread of its own: a resolver that hangs must not hold up the end of a process."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Any] | OSError] = loop.create_future()

    def tell(result: list[Any] | OSError) -> None:
        if not found.done():
            found.set_result(result)

    def ask() -> None:
        result: list[Any] | OSError
        try:
            result = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        except OSError as e:
            result = e
        with suppress(RuntimeError):  # nobody waits for it any more
            loop.call_soon_threadsafe(tell, result)

    threading.Thread(target=ask, daemon=True).start()
    try:
        async with asyncio.timeout(limit_s):
            answer = await found
    except TimeoutError:
        raise trouble.slow_resolver(str(address), limit_s).error() from None
    if isinstance(answer, OSError):
        raise trouble.unknown_host(str(address), address.host).error()
    return answer


async def _connectable(address: Address, limit_s: float) -> None:
    """A TCP connection to any of the addresses of a name; what fails, fails as the last of them."""
    failed: OSError | None = None
    for family, kind, protocol, _, place in await resolve(address, limit_s):
        with socket.socket(family, kind, protocol) as one:
            one.setblocking(False)
            try:
                async with asyncio.timeout(limit_s):
                    await asyncio.get_running_loop().sock_connect(one, place)
            except OSError as e:
                failed = e
            else:
                return
    raise trouble.not_connected(str(address), failed or TimeoutError(), limit_s).error()


def _connection(address: Address, config: KafkaConfig, *, tls: bool) -> AIOKafkaConnection:
    """Without aiokafka's own sign-in, which does not say at which step it failed."""
    security = config.security
    return AIOKafkaConnection(
        address.host,
        address.port,
        client_id=f"{config.prefix}-probe",
        request_timeout_ms=config.request_timeout_ms,
        security_protocol="SSL" if tls else "PLAINTEXT",
        ssl_context=ssl_context(security) if tls else None,
        sasl_mechanism=security.mechanism,
        sasl_plain_username=security.username,
        sasl_plain_password=security.password,
    )


async def _greet(node: Node, config: KafkaConfig, limit_s: float) -> None:
    """TLS, and the first question; where the other side just hangs up, a second look tells why."""
    where, security = str(node.address), config.security
    try:
        async with asyncio.timeout(2 * limit_s):
            await node.conn.connect()
    except TimeoutError:
        if not security.tls and await speaks_tls(node.address.host, node.address.port, limit_s):
            raise trouble.tls_wanted(where, security).error() from None
        raise trouble.silent(where, limit_s, "TLS" if security.tls else "Kafka").error() from None
    except (KafkaError, OSError, ssl.SSLError) as e:
        raise await _second_look(node.address, config, e) from None
    except (ValueError, AssertionError):
        raise trouble.not_kafka(where).error() from None


async def _second_look(address: Address, config: KafkaConfig, error: BaseException) -> Exception:
    where, security, limit = str(address), config.security, config.request_timeout_ms / 1000
    tls = trouble.tls_error(error)
    if isinstance(tls, ssl.SSLCertVerificationError):
        names = await names_in_certificate(address.host, address.port, security.ca, limit)
        found = trouble.tls_refused(where, address.host, tls, security, names)
        if found:
            return found.error()
    if security.tls and await _answers_plainly(address, config):
        return trouble.no_tls_here(where, security).error()
    if not security.tls and await speaks_tls(address.host, address.port, limit):
        return trouble.tls_wanted(where, security).error()
    return _explained(address, config, error)


def _explained(address: Address, config: KafkaConfig, error: BaseException) -> AwayError | RefusedError:
    tls = trouble.tls_error(error)
    if tls is not None:
        found = trouble.tls_refused(str(address), address.host, tls, config.security, "")
        if found:
            return found.error()
    return trouble.closed(str(address), tls or error.__cause__ or error).error()


async def _sign_in(node: Node, security: Security) -> None:
    where, conn = str(node.address), node.conn
    answer = await node.ask(SaslHandShakeRequest(security.mechanism))
    if answer.error_code == _ILLEGAL_STATE:
        raise trouble.no_sasl_here(where, security).error()
    if answer.error_code == _UNSUPPORTED_MECHANISM or security.mechanism not in answer.enabled_mechanisms:
        theirs = ", ".join(answer.enabled_mechanisms)
        raise trouble.mechanism(where, security.mechanism, theirs).error()
    scram = security.mechanism.startswith("SCRAM")
    dialogue = conn.authenticator_scram() if scram else conn.authenticator_plain()
    said: bytes | None = None
    for step in range(4):
        try:
            payload = await dialogue.step(said)
        except (ValueError, KeyError, AssertionError):
            # The broker's proof that it knows the password, too, is wrong.
            raise trouble.not_kafka(where).error() from None
        if payload is None:
            return
        answer = await node.ask(SaslAuthenticateRequest(payload[0]))
        if answer.error_code:
            raise trouble.not_signed_in(where, security, step).error()
        said = answer.sasl_auth_bytes


async def _wants_sasl(address: Address, config: KafkaConfig, node: Node) -> str:
    """The mechanisms of a listener that hangs up on who asks anything before signing in; of any other none."""
    try:
        await node.ask(wire.AskMetadata([]))
    except AwayError:
        mechanisms = await _mechanisms(address, config)
        if mechanisms:
            return mechanisms
        raise
    return ""


async def _mechanisms(address: Address, config: KafkaConfig) -> str:
    """Those that a listener takes; none where it takes no user names."""
    node = Node(address, _connection(address, config, tls=config.security.tls), config)
    try:
        async with asyncio.timeout(config.request_timeout_ms / 1000):
            await node.conn.connect()
        answer = await node.ask(SaslHandShakeRequest("none of them"))
    except (KafkaError, OSError, *ReachErrors):
        return ""
    finally:
        await node.close()
    return ", ".join(answer.enabled_mechanisms)


async def _answers_plainly(address: Address, config: KafkaConfig) -> bool:
    """Does a broker answer there without TLS?"""
    node = Node(address, _connection(address, config, tls=False), config)
    try:
        async with asyncio.timeout(config.request_timeout_ms / 1000):
            await node.conn.connect()
    except (KafkaError, OSError, ValueError, AssertionError):
        return False
    finally:
        await node.close()
    return True


def refused(code: int) -> str:
    """The name of an error that a broker answers with."""
    return str(for_code(code).__name__)
