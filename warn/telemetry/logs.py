"""Logging, set up once: structlog in front, the standard library's handlers behind it.

Lines of libraries (uvicorn and the like) take the same way out, so a log has one form. Post text is hostile and never
logged on purpose; what slips through in a library's line cannot forge another line or move a terminal's cursor,
because control characters are escaped.
"""

import logging
import sys
import traceback
import unicodedata
from types import TracebackType
from typing import IO, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from warn.telemetry import metrics

Level = Literal["debug", "info", "warning", "error"]

ROOT = "warn"
"""The logger that all of warn's events go through."""

# These put whole addresses into their lines, which hold keys of webhooks and of signed links.
_TALKATIVE = ("httpx2", "httpcore2", "uvicorn.access", "asyncio", "watchfiles")

# These write what they send and receive into lines of level debug: every post, and every password. And while brokers are
# away, ten lines a second for each client; what that means is told by events of ours.
_QUOTING = ("aiokafka",)

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def escaped(text: str) -> str:
    """`text` with every control, format, surrogate and line separator character as a `\\x..` or `\\u....` escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(c) if unicodedata.category(c) in _UNSAFE else c for c in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _clean(value: object) -> object:
    match value:
        case str():
            return escaped(value)
        case dict():
            return {escaped(str(k)): _clean(v) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean(v) for v in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return escaped(str(value))


def escape_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A processor: no value of a line can break out of it."""
    return {k: v if k.startswith("_") else _clean(v) for k, v in event.items()}


def count_level(_logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A processor: every line moves `warn_log_events_total{level}`."""
    metrics.LOG_EVENTS.add(str(event.get("level", method)))
    return event


def where(error: BaseException, most: int = 8) -> str:
    """The innermost frames of a traceback as `file:line function`, without the values that messages may quote."""
    frames: list[str] = []
    step: TracebackType | None = error.__traceback__
    for frame, line in traceback.walk_tb(step):
        name = frame.f_code.co_filename.rpartition("/")[2]
        frames.append(f"{name}:{line} {frame.f_code.co_name}")
    return " > ".join(frames[-most:])


def place_of_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A processor: `exc_info` becomes the type and the place of an exception, never its message."""
    info = event.pop("exc_info", None)
    error = info if isinstance(info, BaseException) else info[1] if isinstance(info, tuple) else None
    if info is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["where"] = where(error)
    return event


_SHARED: list[Processor] = [
    structlog.stdlib.add_log_level,
    count_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    place_of_exception,
    escape_values,
]

structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    wrapper_class=structlog.stdlib.BoundLogger,
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)


def configure(
    *, form: Literal["json", "console"], level: Level = "info", stream: IO[str] | None = None
) -> None:
    """Send all lines of `level` and above to `stream` (standard error). May be called again; the last call counts."""
    out = sys.stderr if stream is None else stream
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=0)
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()  # noqa: TID251 - this is the one place that sets loggers up
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)  # noqa: TID251 - as above
    for name in _QUOTING:
        # Their children too: a level of their own would come from nowhere but a person's hand.
        logging.getLogger(name).setLevel(logging.CRITICAL)  # noqa: TID251 - as above
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)  # noqa: TID251 - as above
        logger.handlers = []
        logger.propagate = True


def logger() -> structlog.stdlib.BoundLogger:
    """The logger of `events`; nobody else needs it."""
    found: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(ROOT)
    return found
