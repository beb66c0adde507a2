"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a repeat gets the first answer."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.errors import (
    IdempotencyConflict,
    IdempotencyKeyMissing,
    LiandongError,
    StillInProgress,
    SwitchUnreachable,
)

T = TypeVar("T")


@dataclass
class _Outcome(Generic[T]):
    fingerprint: str
    since: float
    result: T | None = None
    error: LiandongError | None = None

    @property
    def open(self) -> bool:
        return self.result is None and self.error is None


class Once(Generic[T]):
    """Remembers answers by key for `lifetime_s`, at most `capacity` of them."""

    def __init__(
        self,
        capacity: int = 10_000,
        lifetime_s: float = 24 * 3600,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capacity = capacity
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._outcomes: OrderedDict[str, _Outcome[T]] = OrderedDict()

    async def run(self, key: str, request: str, act: Callable[[], Awaitable[T]]) -> T:
        """Do `act` once per `key`; `request` tells whether a repeat asks for the same.

        An error is remembered too, except SwitchUnreachable: then nothing was sent, and trying
        again with the same key is what a client should do.
        """
        fingerprint = hashlib.sha256(request.encode()).hexdigest()
        if outcome := self._known(key):
            return _replay(outcome, fingerprint)
        outcome = self._outcomes[key] = _Outcome(fingerprint, self._clock())
        try:
            outcome.result = await act()
        except LiandongError as error:
            outcome.error = error
            if isinstance(error, SwitchUnreachable):
                del self._outcomes[key]
            raise
        except BaseException:
            self._outcomes.pop(key, None)
            raise
        return outcome.result

    def _known(self, key: str) -> _Outcome[T] | None:
        oldest = self._clock() - self._lifetime_s
        while self._outcomes:
            first = next(iter(self._outcomes.values()))
            if len(self._outcomes) < self._capacity and first.since > oldest:
                break
            self._outcomes.popitem(last=False)
        return self._outcomes.get(key)


def check_key(key: str | None) -> str:
    """Return the header's value. Raises IdempotencyKeyMissing."""
    if key is None or not key.strip():
        raise IdempotencyKeyMissing(
            "send an Idempotency-Key header (a new UUID per transfer, the same one on a retry)"
        )
    return key.strip()


def _replay(outcome: _Outcome[T], fingerprint: str) -> T:
    if outcome.fingerprint != fingerprint:
        raise IdempotencyConflict("this Idempotency-Key was used for a different request")
    if outcome.error is not None:
        raise outcome.error
    if outcome.result is None:
        raise StillInProgress("the first request with this Idempotency-Key is not answered yet")
    return outcome.result
