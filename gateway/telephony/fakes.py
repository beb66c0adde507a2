"""An AMI client and a switch without a PBX, for tests of what drives them."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from gateway.calls.commands import SwitchCommand
from gateway.errors import LiandongError, SwitchUnreachable
from gateway.telephony.ami_event import AmiEvent, AmiReply
from gateway.telephony.ami_values import Headers, checked

C = TypeVar("C", bound=SwitchCommand)
Answer = AmiReply | LiandongError | Callable[[Headers], AmiReply]


@dataclass(frozen=True)
class SentAction:
    action: str
    headers: Mapping[str, str | list[str]]

    def get(self, key: str) -> str:
        """Return a header's value; the last one if repeated, '' if absent."""
        value = self.headers.get(key, "")
        return value if isinstance(value, str) else value[-1]


class FakeAmiClient:
    """Answers `Success` to everything unless told otherwise with `answer`; keeps what was `sent`.

    Values are checked as the real client checks them, so an unsafe one fails here too.
    """

    def __init__(
        self,
        *,
        on_event: Callable[[AmiEvent], None] = lambda _event: None,
        on_link: Callable[[bool], None] = lambda _up: None,
    ) -> None:
        self._on_event = on_event
        self._on_link = on_link
        self._answers: dict[str, list[Answer]] = defaultdict(list)
        self.sent: list[SentAction] = []
        self.connected = False
        self.clock_offset_s = 0.0
        self.version = "22.10.1"

    async def start(self) -> None:
        self.link(up=True)

    async def close(self) -> None:
        self.link(up=False)

    def link(self, *, up: bool) -> None:
        """Lose the connection, or get it back."""
        if up != self.connected:
            self.connected = up
            self._on_link(up)

    def emit(self, name: str, headers: Mapping[str, str] | None = None) -> AmiEvent:
        """Deliver one event as the PBX would."""
        event = AmiEvent(name, dict(headers or {}))
        self._on_event(event)
        return event

    def answer(self, action: str, *answers: Answer) -> None:
        """Answer the next calls of `action` with these, one each; the last one stays."""
        self._answers[action] = list(answers)

    def actions(self, action: str) -> list[SentAction]:
        """What was sent under this name, oldest first."""
        return [one for one in self.sent if one.action == action]

    async def send(
        self, action: str, headers: Headers | None = None, *, timeout: float | None = None
    ) -> AmiReply:
        del timeout
        given = checked(action, headers or {})
        if not self.connected:
            raise SwitchUnreachable(f"{action}: not connected to the PBX; nothing was sent")
        self.sent.append(SentAction(action, given))
        queue = self._answers[action]
        answer: Answer = AmiReply({"Response": "Success"})
        if queue:
            answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if isinstance(answer, LiandongError):
            raise answer
        return answer if isinstance(answer, AmiReply) else answer(given)

    async def collect(
        self, action: str, headers: Headers | None = None, *, timeout: float | None = None
    ) -> AmiReply:
        return await self.send(action, headers, timeout=timeout)


class FakeSwitch:
    """Implements `telephony.port.Switch`: keeps what was `executed` and accepts it.

    `fail` makes every command of a kind raise; `hang` lets it wait until `resume`.
    """

    def __init__(self) -> None:
        self.executed: list[SwitchCommand] = []
        self._failures: dict[type[SwitchCommand], Exception] = {}
        self._gates: dict[type[SwitchCommand], asyncio.Event] = {}
        self._news = asyncio.Condition()

    def fail(self, kind: type[SwitchCommand], error: Exception | None) -> None:
        """Let commands of `kind` raise `error`; None: accept them again."""
        if error is None:
            self._failures.pop(kind, None)
        else:
            self._failures[kind] = error

    def hang(self, kind: type[SwitchCommand]) -> None:
        """Let commands of `kind` wait for an answer."""
        self._gates[kind] = asyncio.Event()

    def resume(self, kind: type[SwitchCommand]) -> None:
        self._gates.pop(kind).set()

    def all(self, kind: type[C]) -> list[C]:
        """The executed commands of `kind`, oldest first."""
        return [one for one in self.executed if isinstance(one, kind)]

    async def until(self, kind: type[C], times: int = 1) -> list[C]:
        """Wait until `kind` has been executed `times` times; returns those."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.all(kind)) >= times)
        return self.all(kind)

    async def execute(self, command: SwitchCommand) -> None:
        self.executed.append(command)
        async with self._news:
            self._news.notify_all()
        if gate := self._gates.get(type(command)):
            await gate.wait()
        if error := self._failures.get(type(command)):
            raise error
