"""What is told of an error: a word of a closed set, and of an error that is not ours only its type and place."""

from warn.model.errors import Reason, WarnError
from warn.telemetry.logs import where


def reason_of(error: BaseException) -> str:
    """The metric label of a failure: a word of the closed set `Reason`."""
    return str(error.reason) if isinstance(error, WarnError) else str(Reason.UNEXPECTED)


def told(error: BaseException) -> dict[str, object]:
    """Fields of a log line. Messages of other errors than ours may quote what was read, so they are left out."""
    if isinstance(error, WarnError):
        return {"reason": str(error.reason), "message": str(error)[:300]}
    fields: dict[str, object] = {"reason": str(Reason.UNEXPECTED), "error": type(error).__name__}
    root = error
    while root.__cause__ is not None:
        root = root.__cause__
    if root is not error:
        fields["cause"] = type(root).__name__
    return {**fields, "where": where(root)}
