"""Threads for slow work, given to whoever has waited longest: one late leg is not made later."""

import asyncio
import contextlib
import heapq
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

_JOIN_S = 2.0
_T = TypeVar("_T")


@dataclass(order=True)
class _Waiting:
    since: float
    number: int
    call: Callable[[], Any] = field(compare=False)
    settle: Callable[[Any, Exception | None], None] = field(compare=False)


class Turns:
    """Use from one event loop. Vosk lets go of the interpreter's lock while it decodes."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.busy_s = 0.0
        """Seconds of processor time that all threads have worked so far."""
        self._waiting: list[_Waiting] = []
        self._changed = threading.Condition()
        self._closed = False
        self._numbers = count()
        self._threads = [
            threading.Thread(target=self._work, name=f"speech-{n}", daemon=True)
            for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def oldest(self) -> float | None:
        """Since when the one that has waited longest has waited."""
        with self._changed:
            return self._waiting[0].since if self._waiting else None

    async def run(self, since: float, call: Callable[[], _T]) -> _T:
        """Run `call` in a thread when it is the turn of `since` (monotonic), oldest first."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()

        def settle(result: Any, error: Exception | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, future, result, error)

        with self._changed:
            if self._closed:
                raise RuntimeError("closed")
            heapq.heappush(self._waiting, _Waiting(since, next(self._numbers), call, settle))
            self._changed.notify()
        return await future

    def close(self) -> None:
        """Let what runs end, for a moment; what waits is never run."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_JOIN_S)

    def _work(self) -> None:
        while (one := self._next()) is not None:
            began = time.thread_time()
            try:
                result, error = one.call(), None
            except Exception as raised:
                result, error = None, raised
            with self._changed:
                self.busy_s += time.thread_time() - began
            one.settle(result, error)

    def _next(self) -> _Waiting | None:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            return None if self._closed else heapq.heappop(self._waiting)


def _settle(future: "asyncio.Future[Any]", result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
