"""The pure machine in its states, reached event by event under a clock that tests move."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls.events import Party
from gateway.calls.facts import Fact, TransferState
from gateway.calls.machine import step
from gateway.calls.state import CallState, Rules, Transfer
from gateway.calls.view import CallView, TransferView

CALL, ROOM = "call-1", "ld-1.1"
CALLER, OPERATOR, OFFICER = "1.1", "1.2", "1.9"
SECOND_OPERATOR = "1.20"
TARGET = f"{CALL}.target.2"
OPERATOR_LEG, CALLER_LEG = f"{CALL}.agent.1", f"{CALL}.caller.0"
ZHANG = Party("12345", "a1001", "张敏", "1001")
WANG = Party("12345", "a1002", "王芳", "1002")
LI = Party("110", "a2001", "李强", "2001")
START = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)

C = TypeVar("C")


def rules(
    release: str = "answered",
    brief_s: float = 0.0,
    answered_by: str = "agent",
    hunt: tuple[str, ...] = (),
) -> dict[tuple[str, str], Rules]:
    """Links 12345 -> 110 and back; each of the target's places rings 30 s."""
    one = Rules(release, brief_s, 30.0, answered_by, hunt)
    return {("12345", "110"): one, ("110", "12345"): one}


class Scene:
    """One call. `commands` holds everything the machine has asked for, `facts` what it wrote."""

    def __init__(self, links: dict[tuple[str, str], Rules] | None = None) -> None:
        self.at = START
        self.state = CallState(CALL, rules=rules() if links is None else links)
        self.view = CallView(id=CALL)
        self.commands: list[c.Command] = []
        self.facts: list[Fact] = []
        self.armed: list[c.Arm] = []

    def take(self, event: e.Event) -> list[c.Command]:
        """Let the machine take one event; returns what it wants done, facts left out."""
        self.state, commands = step(self.state, event)
        for command in commands:
            if isinstance(command, c.Record):
                self.facts.append(command.fact)
                self.view.apply(command.fact)
            elif isinstance(command, c.Arm):
                self._arm(command)
        self.commands += commands
        return [one for one in commands if not isinstance(one, c.Record | c.Arm | c.OpenTap)]

    def _arm(self, arm: c.Arm) -> None:
        """As a session does: the same deadline armed again takes the place of the earlier one."""
        same = (arm.deadline, arm.ref)
        self.armed = [one for one in self.armed if (one.deadline, one.ref) != same] + [arm]

    def on(self, kind: type[e.Event], **fields: Any) -> list[c.Command]:
        """Take an event of `kind`, happening now."""
        return self.take(kind(self.at, **fields))

    def wait(self, seconds: float) -> list[c.Command]:
        """Let time pass, and with it every deadline that falls due, oldest first."""
        done: list[c.Command] = []
        until = self.at + timedelta(seconds=seconds)
        while due := sorted((arm for arm in self.armed if arm.at <= until), key=lambda arm: arm.at):
            self.armed.remove(due[0])
            self.at = max(self.at, due[0].at)
            done += self.on(e.DeadlinePassed, deadline=due[0].deadline, ref=due[0].ref)
        self.at = until
        return done

    # --- words of the switch -----------------------------------------------------------------

    def joined(self, unique_id: str, *, aside: bool = False, bridge: str = "") -> list[c.Command]:
        """The leg is in the room; `aside`: in the second one."""
        channel = f"PJSIP/x-{unique_id}"
        return self.on(
            e.RoomJoined, unique_id=unique_id, channel=channel, aside=aside, bridge=bridge
        )

    def left(self, unique_id: str, *, aside: bool = False) -> list[c.Command]:
        return self.on(e.RoomLeft, unique_id=unique_id, aside=aside)

    def hangs_up(self, unique_id: str) -> list[c.Command]:
        """The party puts down the phone, wherever the leg is."""
        done = self.on(e.HangupRequested, unique_id=unique_id)
        return done + self.ended(unique_id)

    def ended(self, unique_id: str, cause: int = 16) -> list[c.Command]:
        """The leg leaves its room, if it is in one, and the channel ends."""
        done = self.left(unique_id)
        return done + self.on(e.ChannelEnded, unique_id=unique_id, cause=cause)

    def command_ended(self, name: str, outcome: e.Outcome, ref: str = "") -> list[c.Command]:
        return self.on(e.CommandEnded, name=name, ref=ref or self.transfer.id, outcome=outcome)

    def rings(self, leg_id: str = TARGET) -> list[c.Command]:
        """A phone beneath the target's leg is called, and says that it rings."""
        done = self.on(e.TargetTried, leg_id=leg_id)
        return done + self.on(e.TargetRinging, leg_id=leg_id)

    def answers(
        self, leg_id: str = TARGET, *, by_agent: bool = True, by_sign: bool = False
    ) -> list[c.Command]:
        """A person (or, with by_agent=False, a device) at the target answers."""
        return self.on(
            e.TargetAnswered,
            leg_id=leg_id,
            channel="PJSIP/2001-00000009",
            unique_id=OFFICER,
            party=LI,
            by_agent=by_agent,
            by_sign=by_sign,
        )

    def asks(self, ask: e.Ask, unique_id: str = "", **more: Any) -> list[c.Command]:
        """A key, or with `agent` the API; the first transfer is `t1`, the next `t2`."""
        number = 1 + len(self.view.transfers)
        fields = {"ref": f"t{number}", "target": "110", "unique_id": unique_id} | more
        return self.on(e.Asked, ask=ask, **fields)

    def refuses(self, ask: e.Ask, unique_id: str, **more: Any) -> bool:
        """A key that does nothing but sound a refusal in the ear of whoever pressed it."""
        leg = self.state.leg_of(unique_id)
        done = self.asks(ask, unique_id, **more)
        told = [(one.channel, one.announcement) for one in done if isinstance(one, c.Tell)]
        return leg is not None and len(done) == 1 and told == [(leg.channel, "key-refused")]

    # --- what is asserted on -----------------------------------------------------------------

    @property
    def transfer(self) -> Transfer:
        assert self.state.transfer is not None
        return self.state.transfer

    @property
    def shown(self) -> TransferView:
        """The latest transfer as its facts tell it."""
        assert self.view.transfer is not None
        return self.view.transfer

    @property
    def history(self) -> list[TransferState]:
        return [one.state for one in self.shown.steps]

    def all(self, kind: type[C]) -> list[C]:
        return [one for one in self.commands if isinstance(one, kind)]

    def hung_up(self) -> list[str]:
        """Channels we have hung up, in order."""
        return [one.unique_id for one in self.all(c.HangUp)]


def names(commands: Sequence[c.Command]) -> list[str]:
    return [type(one).__name__ for one in commands]


def given_call_waiting(
    links: dict[tuple[str, str], Rules] | None = None, handovers: int = 0
) -> Scene:
    """The citizen is in 12345's queue, after so many hand-overs elsewhere."""
    scene = Scene(links)
    scene.on(
        e.CallArrived,
        room=ROOM,
        channel="PJSIP/city-00000001",
        unique_id=CALLER,
        caller_number="13800000001",
        called_number="12345",
        centre="12345",
        recording=f"{ROOM}.wav",
        handovers=handovers,
    )
    return scene


def given_talking(links: dict[tuple[str, str], Rules] | None = None, handovers: int = 0) -> Scene:
    """Zhang of 12345 talks with the citizen, in the queue's own bridge."""
    scene = given_call_waiting(links, handovers)
    scene.on(e.AgentConnected, channel="PJSIP/1001-00000002", unique_id=OPERATOR, party=ZHANG)
    return scene


def given_moving(
    links: dict[tuple[str, str], Rules] | None = None, ask: e.Ask = e.Ask.TRANSFER
) -> Scene:
    """Zhang has pressed the key; the switch has not yet answered the move."""
    scene = given_talking(links)
    scene.asks(ask, OPERATOR)
    return scene


def given_ringing_transfer(
    links: dict[tuple[str, str], Rules] | None = None, ask: e.Ask = e.Ask.TRANSFER
) -> Scene:
    """Citizen and operator are in the room, a phone rings at 110."""
    scene = given_moving(links, ask)
    scene.joined(CALLER)
    scene.joined(OPERATOR)
    scene.command_ended("MoveToRoom", e.Outcome.DONE)
    scene.command_ended("RingTarget", e.Outcome.DONE)
    scene.rings(TARGET)
    return scene


def given_early_answer(links: dict[tuple[str, str], Rules] | None = None) -> Scene:
    """110's queue has answered by itself: its leg is in the room, its agents still ring."""
    scene = given_ringing_transfer(links)
    scene.answers(by_agent=False)
    scene.joined(TARGET)
    return scene


def given_briefing(links: dict[tuple[str, str], Rules] | None = None) -> Scene:
    """Li of 110 has answered; the leg is not yet in the room."""
    scene = given_ringing_transfer(links)
    scene.answers()
    return scene


def given_three_way(
    links: dict[tuple[str, str], Rules] | None = None, ask: e.Ask = e.Ask.THREE_WAY
) -> Scene:
    """Citizen, Zhang and Li are in the room, and nobody is being released."""
    scene = given_ringing_transfer(links, ask)
    scene.answers()
    scene.joined(TARGET)
    return scene


def given_ringing_consult(links: dict[tuple[str, str], Rules] | None = None) -> Scene:
    """Zhang is in the second room, a phone rings at 110, the citizen hears music."""
    scene = given_moving(links, e.Ask.CONSULT)
    scene.on(e.CallerOnHold)
    scene.joined(OPERATOR, aside=True)
    scene.command_ended("MoveAside", e.Outcome.DONE)
    scene.command_ended("RingTarget", e.Outcome.DONE)
    scene.rings(TARGET)
    return scene


def given_consulting(links: dict[tuple[str, str], Rules] | None = None) -> Scene:
    """Zhang and Li talk in the second room, the citizen hears music."""
    scene = given_ringing_consult(links)
    scene.answers()
    scene.joined(TARGET, aside=True)
    return scene


def given_handed_over(links: dict[tuple[str, str], Rules] | None = None) -> Scene:
    """Zhang was released: Li of 110 alone has the citizen."""
    scene = given_three_way(links, ask=e.Ask.TRANSFER)
    scene.ended(OPERATOR)
    return scene


def given_held() -> Scene:
    """Zhang has hung up while 110 rings: the room let the citizen out, the dialplan holds them."""
    scene = given_ringing_transfer()
    scene.hangs_up(OPERATOR)
    scene.left(CALLER)
    scene.on(e.CallerHeld)
    return scene
