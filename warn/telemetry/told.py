"""What is told of an error: a word of a closed set, and of an error that is not ours only its type and place."""

from typing import Final

from warn.model.errors import OwnWords, Reason
from warn.telemetry.logs import where

MOST_WORDS: Final = 400
"""Characters of a message: a line of ours with its remedy has room in it."""


def reason_of(error: BaseException) -> str:
    """The metric label of a failure: a word of the closed set `Reason`."""
    return str(error.reason) if isinstance(error, OwnWords) else str(Reason.UNEXPECTED)


def words(error: BaseException) -> str:
    """An error in a few words, on one line: its message where that is ours, else its type."""
    if not isinstance(error, OwnWords):
        return type(error).__name__
    return " ".join(str(error).split())[:MOST_WORDS] or type(error).__name__


def told(error: BaseException) -> dict[str, object]:
    """Fields of a log line. Messages that are not `OwnWords` may quote what was read, so they are left out."""
    if isinstance(error, OwnWords):
        return {"reason": reason_of(error), "message": words(error)}
    fields: dict[str, object] = {"reason": str(Reason.UNEXPECTED), "error": type(error).__name__}
    root = error
    while root.__cause__ is not None:
        root = root.__cause__
    if root is not error:
        fields["cause"] = type(root).__name__
    return {**fields, "where": where(root)}
