"""Every failure is Temporary or Permanent and has a reason from a closed set, which becomes a metric label."""

from enum import StrEnum


class Reason(StrEnum):
    """Why something failed."""

    AUTH = "auth"
    RATE_LIMITED = "rate_limited"
    CLIENT = "client_error"
    SERVER = "server_error"
    NETWORK = "network"
    TIMEOUT = "timeout"
    GONE = "gone"
    MALFORMED = "malformed"
    HOSTILE = "hostile"
    REFUSED = "refused"
    CONFIG = "config"
    DISK = "disk"
    SPEND = "spend"
    FENCED = "fenced"
    UNEXPECTED = "unexpected"


class OwnWords:
    """Mixed into errors whose message is ours: it quotes nothing that was read and no secret, so logs and pages show it."""

    reason: Reason = Reason.UNEXPECTED


class WarnError(OwnWords, Exception):
    """Base of all errors that warn raises on purpose."""

    def __init__(self, message: str, *, reason: Reason) -> None:
        super().__init__(message)
        self.reason = reason


class TemporaryError(WarnError):
    """Trying again may help; `retry_after_s` is the source's own word on when."""

    def __init__(self, message: str, *, reason: Reason, retry_after_s: float | None = None) -> None:
        super().__init__(message, reason=reason)
        self.retry_after_s = retry_after_s


class PermanentError(WarnError):
    """Trying again cannot help; a person has to change something."""
