"""Structured logs. Transcripts, names and numbers never go in: log ids, states and counts.

An exception's message may quote what a caller said, so only its type and its frames are written,
by us and by the libraries that log through the standard library.
"""

import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator, MutableMapping
from types import TracebackType
from typing import Any

import structlog

_SysExcInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)
_MESSAGE_ENDS = re.compile(r"[\n(<]")


def configure(level: str = "INFO", *, json: bool = False) -> None:
    """Send structlog and the standard library's logs to stderr at `level`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("panoramisk", "httpx", "httpcore", "alembic", "websockets"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_message,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def get(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger whose events carry `name` as `slice`."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(slice=name)
    return logger


def guard_threads() -> None:
    """Tell of a thread that dies the way `frames` does."""
    threading.excepthook = lambda args: print(  # noqa: T201
        f"thread {args.thread.name if args.thread else '?'} died\n{frames(args.exc_value)}",
        file=sys.stderr,
    )


def frames(error: BaseException | None) -> str:
    """Return type and frames of `error` and of all it came from, the first one first.

    What they say, the values in them and the notes on them are left out.
    """
    return "\nwhich led to\n".join(_each(error, set()))


def _each(error: BaseException | None, seen: set[int]) -> Iterator[str]:
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    yield from _each(error.__cause__ or error.__context__, seen)
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _each(one, seen)
    kind = type(error)
    where = "".join(
        f'\n  File "{frame.filename}", line {frame.lineno}, in {frame.name}'
        for frame in traceback.extract_tb(error.__traceback__)
    )
    yield f"{kind.__module__}.{kind.__qualname__}{where}"


def _without_message(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """structlog processor: `exc_info` in any of its forms becomes `exception`."""
    info = event.pop("exc_info", None)
    if isinstance(info, tuple):
        info = info[1]
    elif info and not isinstance(info, BaseException):
        info = sys.exc_info()[1]
    if isinstance(info, BaseException):
        event["exception"] = frames(info)
    return event


class _Formatter(logging.Formatter):
    def formatException(self, ei: _SysExcInfo) -> str:  # noqa: N802
        return frames(ei[1])

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        # asyncio writes tasks and call-backs out, with their arguments and exceptions.
        if record.name == "asyncio":
            record.message = _MESSAGE_ENDS.split(record.message)[0].rstrip()
        return super().formatMessage(record)
