"""`liandong serve`: forks control, recognition and delivery, and keeps them running.

Separate processes, so that recognition can never slow call control. A child that ends is started
again with growing pauses; each child stops by itself when the supervisor is gone.

Forked, since callers wait while the gateway starts: what every role needs is loaded once, by their
parent. It has neither threads nor an event loop, which a fork would take along in pieces.
"""

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from gateway import log, supervised

_log = log.get("serve")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _WELL_S = 0.2, 10.0, 30.0
_GRACE_S = 10.0
_STARTING_S = 30.0
"""Bad settings stop a gateway that starts; one that runs is not stopped by a later mistake."""
_AT_LAST_S = 5.0
"""A role that waits for the others starts even if they take longer than this."""
_STOPPING = (signal.SIGTERM, signal.SIGINT)
_SIGNALS = (*_STOPPING, signal.SIGCHLD)


@dataclass(frozen=True)
class Role:
    """A process to keep. `run` returns its exit status; `waits`: the others start first."""

    name: str
    run: Callable[[], int]
    waits: bool = False


def supervise(roles: Sequence[Role]) -> int:
    """Run `roles` until SIGTERM or SIGINT; returns the exit status.

    A role that ends with EX_CONFIG stops all: it would never get better by itself. Call this from
    the only thread of a process.
    """
    supervisor = _Supervisor(roles)
    try:
        return supervisor.run()
    finally:
        supervisor.close()


class _Kept:
    """A role with its process; times are monotonic."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self.pid = 0
        self.ready = False
        self.started = 0.0
        self.due = 0.0
        """When to start it (again)."""
        self._pause = _FIRST_PAUSE_S

    def ended(self, now: float) -> None:
        """It is started again after a pause: the longer, the more often it has ended at once."""
        self.pid, self.ready = 0, False
        if now - self.started > _WELL_S:
            self._pause = _FIRST_PAUSE_S
        self.due = now + self._pause
        _log.error("process ended; starting it again", role=self.role.name, in_s=self._pause)
        self._pause = min(_LONGEST_PAUSE_S, self._pause * 2)


class _Supervisor:
    def __init__(self, roles: Sequence[Role]) -> None:
        self._kept = [_Kept(role) for role in roles]
        self._began = time.monotonic()
        self._kill_at: float | None = None
        """While stopping: when patience ends."""
        self._status = 0
        self._signals, self._wake = os.pipe()
        self._readies, self._ready = os.pipe()
        self._life, self._alive = os.pipe()
        os.set_blocking(self._wake, False)
        self._handlers = {number: signal.signal(number, _heed) for number in _SIGNALS}
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)

    @property
    def _ours(self) -> tuple[int, ...]:
        """Ends of pipes that no child may hold."""
        return self._signals, self._wake, self._readies, self._alive

    def close(self) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        for end in (*self._ours, self._ready, self._life):
            os.close(end)

    def run(self) -> int:
        while True:
            self._collect()
            if self._kill_at is None:
                self._start_due()
            elif not self._running():
                return self._status
            self._listen()

    def _running(self) -> list[_Kept]:
        return [kept for kept in self._kept if kept.pid]

    def _start_due(self) -> None:
        for place, kept in enumerate(self._kept):
            if not kept.pid and time.monotonic() >= self._due(kept):
                self._start(kept, place)

    def _due(self, kept: _Kept) -> float:
        first = [one for one in self._kept if not one.role.waits]
        if kept.role.waits and not all(one.ready for one in first):
            return max(kept.due, self._began + _AT_LAST_S)
        return kept.due

    def _start(self, kept: _Kept, place: int) -> None:
        kept.started = time.monotonic()
        # A signal that comes while the child is not itself yet is its own, not lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            kept.pid = os.fork()
        except OSError:  # no memory, no processes left
            kept.ended(kept.started)
        else:
            if not kept.pid:
                self._become(kept.role, place)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def _become(self, role: Role, place: int) -> NoReturn:
        """In the child: be the role."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            for end in self._ours:
                os.close(end)
            supervised.become(role.name, pipe=self._ready, place=place, life=self._life)
            status = role.run()
        except BaseException as error:
            sys.stderr.write(f"{role.name} died\n{log.frames(error)}\n")
        finally:
            try:
                sys.stdout.flush()
                sys.stderr.flush()
            finally:  # a full disk, say: a child must never come back into our loop
                os._exit(status)

    def _collect(self) -> None:
        """Take note of who has ended."""
        for kept in self._running():
            pid, how = os.waitpid(kept.pid, os.WNOHANG)
            if not pid:
                continue
            status, starting = os.waitstatus_to_exitcode(how), kept.started - self._began
            if self._kill_at is not None:
                kept.pid = 0
            elif status == os.EX_CONFIG and starting < _STARTING_S:
                kept.pid, self._status = 0, status
                self._stop()
            else:
                kept.ended(time.monotonic())

    def _listen(self) -> None:
        """Wait until something is told, or due."""
        due = [self._due(kept) for kept in self._kept if not kept.pid]
        until = min(due, default=None) if self._kill_at is None else self._kill_at
        timeout = None if until is None else max(0.0, until - time.monotonic())
        told, _, _ = select.select([self._signals, self._readies], [], [], timeout)
        if not told and self._kill_at is not None:
            self._kill()
        if self._signals in told and not set(_STOPPING).isdisjoint(os.read(self._signals, 1024)):
            self._stop()
        if self._readies in told:
            place = int.from_bytes(os.read(self._readies, supervised.PLACE_BYTES))
            self._kept[place].ready = True
            _log.info("ready", role=self._kept[place].role.name)

    def _stop(self) -> None:
        if self._kill_at is None:
            self._kill_at = time.monotonic() + _GRACE_S
            for kept in self._running():
                os.kill(kept.pid, signal.SIGTERM)

    def _kill(self) -> None:
        self._kill_at = time.monotonic() + _GRACE_S
        for kept in self._running():
            _log.error("process would not stop", role=kept.role.name)
            os.kill(kept.pid, signal.SIGKILL)


def _heed(_number: int, _frame: object) -> None:
    """The pipe tells of the signal; without a handler it would not."""
