"""What an answer of the order system means, and when to try again. Pure."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Literal

from gateway.settings import OrdersSettings

LONGEST_WAIT_S = 3600.0
"""A longer Retry-After is taken for a mistake and cut to this."""

_REFUSALS = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""The ticket itself is not wanted. Everything else is mended over there: by a secret put right
(401, 403), a route deployed (404, 405), a rest (408, 425, 429); tickets wait for that."""


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt. `status` is None where no answer came."""

    verdict: Literal["delivered", "retry", "dead", "gone"]
    status: int | None
    error: str = ""
    retry_after_s: float | None = None


def judge(status: int, retry_after: str | None, now: datetime) -> Outcome:
    """Return what an answer with `status` and header Retry-After means (RFC 9110, 15 and 10.2.3).

    Nothing of the answer's body is kept: it may repeat what the ticket says.
    """
    if 200 <= status < 300:
        return Outcome("delivered", status)
    error = f"{status} {_phrase(status)}".rstrip()
    if status == HTTPStatus.GONE:
        return Outcome("gone", status, error)
    if status in _REFUSALS:
        return Outcome("dead", status, error)
    return Outcome("retry", status, error, parse_retry_after(retry_after, now))


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds that Retry-After asks for (a number, or an HTTP date), at most an hour."""
    if not value:
        return None
    if value.strip().isdecimal():
        seconds = float(value)
    else:
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        seconds = (date - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT_S)


def wait(outcome: Outcome, attempts: int, orders: OrdersSettings) -> timedelta:
    """Return how long to wait after `attempts` failures: exponential with full jitter.

    Retry-After is a floor under it: never sooner than asked, and spread beyond.
    """
    ceiling = min(orders.backoff_max_s, orders.backoff_base_s * 2 ** min(attempts - 1, 30))
    jitter = random.uniform(0, ceiling)  # noqa: S311 - spreads load, guards nothing
    return timedelta(seconds=(outcome.retry_after_s or 0.0) + jitter)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
