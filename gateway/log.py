"""Structured logs. Transcripts, names and numbers never go in: log ids, states and counts."""

import logging
import sys
from typing import Any

import structlog


def configure(level: str = "INFO", *, json: bool = False) -> None:
    """Send structlog and the standard library's logs to stderr at `level`."""
    logging.basicConfig(level=level, stream=sys.stderr, format="%(message)s", force=True)
    for noisy in ("panoramisk", "httpx", "httpcore", "alembic"):
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
            structlog.processors.format_exc_info,
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
