"""What keeps us from a broker, in a line that a person can act on.

aiokafka says "Unable to bootstrap" to a wrong password, a wrong certificate and a broker that is down alike. Here is
which of them it is, by what the socket, TLS and the broker's own answers showed.
"""

import asyncio
import ssl
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from warn.bus.kafka.config import Security
from warn.model.errors import PermanentError, Reason, TemporaryError


class Fault(StrEnum):
    """Kinds of trouble with a broker."""

    UNKNOWN_HOST = "unknown_host"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    SILENT = "silent"
    CLOSED = "closed"
    NO_TLS_HERE = "no_tls_here"
    TLS_WANTED = "tls_wanted"
    CA = "ca"
    HOST_NAME = "host_name"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    CERTIFICATE = "certificate"
    OUR_CERTIFICATE = "our_certificate"
    SASL_WANTED = "sasl_wanted"
    NO_SASL_HERE = "no_sasl_here"
    MECHANISM = "mechanism"
    USER = "user"
    PASSWORD = "password"  # noqa: S105 - the kind of a mistake
    CREDENTIALS = "credentials"
    TOO_OLD = "too_old"
    NOT_KAFKA = "not_kafka"


_REASONS: Final = {
    Fault.UNKNOWN_HOST: Reason.NETWORK,
    Fault.REFUSED: Reason.NETWORK,
    Fault.UNREACHABLE: Reason.NETWORK,
    Fault.SILENT: Reason.TIMEOUT,
    Fault.CLOSED: Reason.NETWORK,
    Fault.USER: Reason.AUTH,
    Fault.PASSWORD: Reason.AUTH,
    Fault.CREDENTIALS: Reason.AUTH,
    Fault.OUR_CERTIFICATE: Reason.AUTH,
}
_PASSES: Final = frozenset({Fault.UNKNOWN_HOST, Fault.REFUSED, Fault.UNREACHABLE, Fault.SILENT, Fault.CLOSED})
"""What may be over by itself: a broker that restarts, a network that comes back."""


@dataclass(frozen=True)
class Trouble:
    """`where` it is (host:port), `what` it is, and what to `do` about it."""

    fault: Fault
    where: str
    what: str
    do: str

    def __str__(self) -> str:
        return f"{self.where} {self.what}: {self.do}"

    def error(self) -> "AwayError | RefusedError":
        """The error to raise: temporary where it may be over by itself."""
        return AwayError(self) if self.fault in _PASSES else RefusedError(self)


class AwayError(TemporaryError):
    """A broker that cannot be reached now."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(f"Kafka: {trouble}", reason=_REASONS.get(trouble.fault, Reason.NETWORK))
        self.trouble = trouble


class RefusedError(PermanentError):
    """A broker that will not have us, or that we will not have, until a person changes something."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(f"Kafka: {trouble}", reason=_REASONS.get(trouble.fault, Reason.CONFIG))
        self.trouble = trouble


def unknown_host(where: str, host: str) -> Trouble:
    """A name that no resolver knows."""
    return Trouble(
        Fault.UNKNOWN_HOST, where, "cannot be found: there is no host of that name", f"mend {host!r}, or DNS"
    )


def slow_resolver(where: str, limit_s: float) -> Trouble:
    """A resolver that does not answer."""
    what = f"cannot be found: the resolver said nothing for {limit_s:g} s"
    return Trouble(Fault.UNKNOWN_HOST, where, what, "see whether DNS works on this machine")


def not_connected(where: str, error: OSError, limit_s: float) -> Trouble:
    """No TCP connection."""
    if isinstance(error, ConnectionRefusedError):
        what = "refuses the connection: no broker is running there"
        return Trouble(
            Fault.REFUSED, where, what, "start it, or mend the port (a full disk ends a broker, too)"
        )
    if isinstance(error, TimeoutError):
        what = f"did not answer within {limit_s:g} s: the machine is down, or a firewall drops the connection"
        return Trouble(Fault.UNREACHABLE, where, what, "see whether this machine may reach that port")
    what = f"cannot be reached ({error.strerror or type(error).__name__})"
    return Trouble(Fault.UNREACHABLE, where, what, "see whether this machine has a route there")


def silent(where: str, limit_s: float, step: Literal["TLS", "Kafka"]) -> Trouble:
    """Takes connections and says nothing: a broker that is stopped or starting, or another service."""
    return Trouble(
        Fault.SILENT,
        where,
        f"takes the connection and says nothing for {limit_s:g} s ({step} was asked for)",
        "see the broker's log: it hangs, is stopped, or is starting; or this is not a broker's port",
    )


def tls_refused(where: str, host: str, error: ssl.SSLError, security: Security, names: str) -> Trouble | None:
    """What TLS itself says is wrong; None where it does not say. `names`: those in the broker's certificate."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _broker_certificate(where, host, error, security, names)
    reason = error.reason or ""
    if reason in _OURS_REFUSED:
        shown = security.certificate
        what = (
            f"does not accept our certificate {shown} ({_said(reason)})"
            if shown
            else f"wants a certificate from us ({_said(reason)})"
        )
        do = (
            "give one that is valid and signed by an authority in the broker's truststore"
            if shown
            else "give security.certificate and security.key"
        )
        return Trouble(Fault.OUR_CERTIFICATE, where, what, do)
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"):
        return no_tls_here(where, security)
    return None


def _broker_certificate(
    where: str, host: str, error: ssl.SSLCertVerificationError, security: Security, names: str
) -> Trouble:
    code = error.verify_code
    if code in (_X509_HOSTNAME, _X509_IP):
        listed = f"it is for {names}" if names else "see the subjectAltName in it"
        what = f"has a certificate that is not for {host!r} ({listed})"
        do = "take a name from the certificate into bus.kafka.bootstrap and advertised.listeners, or renew it"
        return Trouble(Fault.HOST_NAME, where, what, do)
    if code == _X509_EXPIRED:
        return Trouble(Fault.EXPIRED, where, "has a certificate that has expired", "renew it on the broker")
    if code == _X509_NOT_YET:
        what = "has a certificate that is not valid yet"
        return Trouble(Fault.NOT_YET_VALID, where, what, "see whether this machine's clock is right")
    if code in _X509_UNTRUSTED:
        trusted = str(security.ca) if security.ca else "those that this machine trusts"
        what = f"has a certificate that no authority in {trusted} has signed"
        return Trouble(
            Fault.CA, where, what, "give the authority of this cluster's certificates as security.ca"
        )
    what = f"has a certificate that is not valid ({error.verify_message})"
    return Trouble(Fault.CERTIFICATE, where, what, "renew it on the broker")


def no_tls_here(where: str, security: Security) -> Trouble:
    """We speak TLS, the port does not."""
    other = "sasl_plaintext" if security.sasl else "plaintext"
    what = "does not speak TLS"
    do = f"take the port of the broker's TLS listener; {other} is for networks that nobody else is on"
    return Trouble(Fault.NO_TLS_HERE, where, what, do)


def tls_wanted(where: str, security: Security) -> Trouble:
    """The port speaks TLS, we do not."""
    other = "sasl_ssl" if security.sasl else "ssl"
    return Trouble(Fault.TLS_WANTED, where, "speaks TLS", f"set bus.kafka.security.protocol to {other}")


def sasl_wanted(where: str, mechanisms: str, security: Security) -> Trouble:
    """The listener wants to know who we are."""
    other = "sasl_ssl" if security.tls else "sasl_plaintext"
    what = "wants a user name and password" + (f" (by {mechanisms})" if mechanisms else "")
    do = f"set bus.kafka.security.protocol to {other}, and security.username and security.password"
    return Trouble(Fault.SASL_WANTED, where, what, do)


def no_sasl_here(where: str, security: Security) -> Trouble:
    """The listener takes no user names."""
    other = "ssl" if security.tls else "plaintext"
    what = "takes no user name and password"
    return Trouble(
        Fault.NO_SASL_HERE, where, what, f"take another listener's port, or set security.protocol to {other}"
    )


def mechanism(where: str, ours: str, theirs: str) -> Trouble:
    """The listener has other mechanisms."""
    what = f"does not take mechanism {ours}"
    return Trouble(Fault.MECHANISM, where, what, f"set security.mechanism to one that it has: {theirs}")


def not_signed_in(where: str, security: Security, step: int) -> Trouble:
    """User name or password are wrong. SCRAM asks for the user first, and so tells which; PLAIN does not."""
    user, by = repr(security.username), security.mechanism
    if not by.startswith("SCRAM"):
        what = f"does not accept user {user} with this password"
        return Trouble(Fault.CREDENTIALS, where, what, "mend security.username or security.password")
    if step == 0:
        what = f"knows no user {user} for {by}"
        do = (
            f"mend security.username, or make the user: kafka-configs.sh --alter --entity-type users --entity-name "
            f"{security.username} --add-config '{by}=[password=...]'"
        )
        return Trouble(Fault.USER, where, what, do)
    what = f"knows user {user}, and the password is wrong"
    return Trouble(Fault.PASSWORD, where, what, "mend security.password")


def too_old(where: str) -> Trouble:
    """A broker without the requests that warn needs."""
    return Trouble(
        Fault.TOO_OLD, where, "is older than Kafka 2.4", "take Kafka 4.2.1, which warn is tested on"
    )


def closed(where: str, error: BaseException | None) -> Trouble:
    """Hangs up, and nothing shows why."""
    why = f" ({type(error).__name__})" if error is not None else ""
    do = "see the broker's log of this minute; it may be starting or ending, or this is not a broker's port"
    return Trouble(Fault.CLOSED, where, f"takes the connection and closes it{why}", do)


def not_kafka(where: str) -> Trouble:
    """Answers, and not as a broker does."""
    return Trouble(Fault.NOT_KAFKA, where, "answers, but not as a Kafka broker does", "mend host and port")


def tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """TLS's own error within an error of aiokafka, which arrives later than the handshake with TLS 1.3."""
    seen = 0
    while error is not None and seen < 8:
        if isinstance(error, ssl.SSLError):
            return error
        error, seen = error.__cause__ or error.__context__, seen + 1
    return None


def hung_up(error: BaseException) -> bool:
    """Is this how a connection that the other side has closed shows?"""
    return isinstance(error, ssl.SSLError | ConnectionError | asyncio.IncompleteReadError | OSError)


def _said(reason: str) -> str:
    """`SSLV3_ALERT_BAD_CERTIFICATE` as people say it."""
    return reason.partition("ALERT_")[2].replace("_", " ").lower() or reason.lower()


_OURS_REFUSED: Final = frozenset(
    {
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "SSLV3_ALERT_CERTIFICATE_REVOKED",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "TLSV1_ALERT_UNKNOWN_CA",
        "TLSV1_ALERT_ACCESS_DENIED",
    }
)
_X509_NOT_YET: Final = 9
_X509_EXPIRED: Final = 10
_X509_HOSTNAME: Final = 62
_X509_IP: Final = 64
_X509_UNTRUSTED: Final = frozenset({2, 18, 19, 20, 21, 27})
"""OpenSSL's X509_V_ERR_ numbers."""
