"""One call's actor: a mailbox, the pure machine, and the doing of what it says.

Single writer: only the session's own task changes the call's state. Intent is journalled before
it is sent; a command whose outcome is unknown is never retried, the switch's events settle it.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

from gateway import log
from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls import facts as f
from gateway.calls.journal import Journal
from gateway.calls.machine import step
from gateway.calls.metrics import KEYS_REFUSED
from gateway.calls.state import CallState, Rules
from gateway.calls.verbs import refusal
from gateway.calls.view import CallView
from gateway.clock import now
from gateway.errors import (
    CallNotFound,
    SwitchError,
    SwitchRefused,
    SwitchUnreachable,
    UnsafeValue,
)
from gateway.ids import new_id
from gateway.telephony.port import Switch

_log = log.get("calls")
_DEADLINE_AGAIN_S = 0.25
OnFact = Callable[[f.Fact, CallView], None]


@dataclass(frozen=True)
class Tools:
    """What every session works with."""

    switch: Switch
    journal: Journal
    on_fact: OnFact
    rules: Mapping[tuple[str, str], Rules]
    key_lifetime_s: float = 2.0
    in_control: Callable[[], bool] = lambda: True
    """Whether what we know is sure to be current; deadlines wait until it is."""
    name_call: Callable[[str], str] = lambda _room: new_id()
    """The id of the call in a room."""


class Session:
    """Start with `start()`; `post` events; `stop()` (or `cancel()`) when it is `over`."""

    def __init__(
        self,
        call_id: str,
        tools: Tools,
        *,
        state: CallState | None = None,
        view: CallView | None = None,
    ) -> None:
        """`state` and `view`: of a call that another gateway began."""
        self.state = state or CallState(call_id, rules=tools.rules)
        self.view = view or CallView(id=call_id)
        self.late_keys = 0
        self._tools = tools
        self._mailbox: asyncio.Queue[tuple[e.Event, asyncio.Future[None] | None]] = asyncio.Queue()
        self._doing: set[asyncio.Task[None]] = set()
        self._unmoved: set[str] = set()
        self._armed: dict[tuple[e.Deadline, str], asyncio.TimerHandle] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def call_id(self) -> str:
        return self.view.id

    @property
    def over(self) -> bool:
        """Ended, and no leg is left on the switch."""
        return self.state.ended and not self.state.agents and self.state.caller is None

    def start(self, deadlines: Iterable[c.Arm] = ()) -> None:
        """Begin to take events; `deadlines` are those of a call taken over."""
        self._task = asyncio.create_task(self._run(), name=f"call-{self.call_id}")
        for deadline in deadlines:
            self._arm(deadline)

    async def stop(self) -> None:
        await asyncio.gather(*self.cancel(), return_exceptions=True)

    def cancel(self) -> list[asyncio.Task[None]]:
        """Begin to stop; returns the tasks that are ending."""
        tasks = [*self._doing, *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        for timer in self._armed.values():
            timer.cancel()
        self._armed.clear()
        return tasks

    def post(self, event: e.Event) -> None:
        self._mailbox.put_nowait((event, None))

    async def ask(self, event: e.Event) -> None:
        """Post `event` and wait until it has been taken. Raises CallNotFound once stopped."""
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._mailbox.put_nowait((event, taken))
        actor = [self._task] if self._task else []
        await asyncio.wait([taken, *actor], return_when=asyncio.FIRST_COMPLETED)
        if not taken.done():
            raise CallNotFound(f"call {self.call_id} is no longer driven")

    def record(self, fact: f.Fact) -> None:
        """Write down something that happened beside the machine (speech, suggestion, ticket)."""
        self._keep(fact)
        self._publish(fact)

    def _keep(self, fact: f.Fact) -> None:
        self._tell(self.view.apply, fact)
        self._tell(self._tools.journal.fact, fact)

    def _publish(self, fact: f.Fact) -> None:
        self._tell(lambda fact: self._tools.on_fact(fact, self.view), fact)

    def _tell(self, take: Callable[[f.Fact], None], fact: f.Fact) -> None:
        """Whoever cannot take a fact must not keep the call from going on."""
        try:
            take(fact)
        except Exception as error:
            _log.error(
                "fact not taken", call_id=self.call_id, fact=fact.kind, error=type(error).__name__
            )

    async def _run(self) -> None:
        while True:
            event, taken = await self._mailbox.get()
            try:
                await self._take(event)
            except Exception:
                # One bad event must not leave the call without its actor.
                _log.exception("event failed", call_id=self.call_id, input=type(event).__name__)
            if taken is not None and not taken.done():
                taken.set_result(None)

    async def _take(self, event: e.Event) -> None:
        if isinstance(event, e.KeyPressed):
            # A native press has been acted on by the dialplan: it is news at any age.
            if event.age_s > self._tools.key_lifetime_s and not event.asked.native:
                self.late_keys += 1
                KEYS_REFUSED.labels("late").inc()
                _log.warning("late key discarded", call_id=self.call_id, age_s=event.age_s)
                return
            event = event.asked
            self._tell_refusal(event)
        self.state, commands = step(self.state, event)
        facts = [one.fact for one in commands if isinstance(one, c.Record)]
        for fact in facts:
            self._keep(fact)
        await self._note(commands)
        for command in commands:
            self._carry_out(command)
        if facts and self._doing:
            # The orders go out first: no listener may hold up the call.
            await asyncio.sleep(0)
        for fact in facts:
            self._publish(fact)

    def _tell_refusal(self, asked: e.Asked) -> None:
        """The machine ignores a key that does not fit; whoever looks for it finds it here."""
        why = refusal(self.state, asked)
        if why and not asked.native:
            KEYS_REFUSED.labels(why).inc()
            ids = {"call_id": self.call_id, "channel": asked.unique_id}
            _log.warning("key refused", verb=asked.ask.value, why=why, **ids)

    async def _note(self, commands: Iterable[c.Command]) -> None:
        """All intents at once: each would wait for the one before it to be written."""
        orders = [one for one in commands if not isinstance(one, c.Arm | c.Record)]
        if orders:
            notes = [(type(one).__name__, asdict(one)) for one in orders]
            await self._tools.journal.intents(self.call_id, notes)

    def _carry_out(self, command: c.Command) -> None:
        if isinstance(command, c.Arm):
            self._arm(command)
        elif not isinstance(command, c.Record):
            task = asyncio.create_task(self._execute(command))
            self._doing.add(task)
            task.add_done_callback(self._doing.discard)

    def _arm(self, command: c.Arm) -> None:
        delay = max(0.0, (command.at - now()).total_seconds())
        key = (command.deadline, command.ref)
        if earlier := self._armed.pop(key, None):
            earlier.cancel()
        self._armed[key] = asyncio.get_running_loop().call_later(delay, self._pass, *key)

    def _pass(self, deadline: e.Deadline, ref: str) -> None:
        if not self._tools.in_control():
            # We hung, or are cut off: what came before the deadline may not have been heard yet.
            later = asyncio.get_running_loop().call_later
            self._armed[(deadline, ref)] = later(_DEADLINE_AGAIN_S, self._pass, deadline, ref)
            return
        self._armed.pop((deadline, ref), None)
        self.post(e.DeadlinePassed(now(), deadline, ref))

    async def _send(self, command: c.SwitchCommand) -> None:
        # The machine orders both at once: what has not gone out yet can still be kept back.
        if isinstance(command, c.RingTarget) and command.ref in self._unmoved:
            raise SwitchRefused("caller and operator were not moved: nothing is rung")
        await self._tools.switch.execute(command)

    async def _execute(self, command: c.SwitchCommand) -> None:
        name = type(command).__name__
        try:
            await self._send(command)
            outcome = e.Outcome.DONE
        except (SwitchRefused, SwitchUnreachable, UnsafeValue) as error:
            outcome = e.Outcome.REFUSED
            if isinstance(command, c.MoveToRoom | c.MoveAside | c.HoldCaller):
                self._unmoved.add(command.ref)
            _log.warning("switch refused", call_id=self.call_id, command=name, why=error.slug)
        except SwitchError as error:
            outcome = e.Outcome.UNKNOWN
            _log.warning("switch unknown", call_id=self.call_id, command=name, why=error.slug)
        except Exception as error:
            outcome = e.Outcome.UNKNOWN
            why = type(error).__name__
            _log.error("switch command failed", call_id=self.call_id, command=name, why=why)
        if not isinstance(command, c.OpenTap):
            self.post(e.CommandEnded(now(), name, command.ref, outcome))
