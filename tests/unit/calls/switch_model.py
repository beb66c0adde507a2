"""A switch with our dialplan, in a few lines: where everybody is, and what it says about it.

It follows the dialplan files: a room lets the caller out when its last agent has left; a caller
let out is held while something may ring, taken back when an agent is inside, else sent to the
queue or, when the talk was simply over, hung up. Words (`said`) and commands (`ordered`) wait
until a test delivers them, so that any interleaving can happen.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls.facts import FailureReason

from .given import CALLER, LI, OFFICER, OPERATOR, SECOND_OPERATOR, START, WANG, ZHANG, Scene

Word = tuple[type[e.Event], dict[str, Any]]
LOOK_S = 0.5
LONELY_S = 1.5
"""How long an operator consults nobody until the dialplan brings the caller back."""
"""How often the dialplan looks at a held caller; a gateway that lives is quicker."""


class Place(Enum):
    BRIDGE = "talks to an operator in the queue's bridge"
    ROOM = "in the room"
    ASIDE = "in the second room, with the operator who consults"
    HOLD = "on hold, hears music"
    HELD = "held by the dialplan, hears ringing"
    QUEUE = "in a queue, hears its music"
    GONE = "the leg has ended"


@dataclass
class Agent:
    unique_id: str
    party: e.Party
    place: Place = Place.BRIDGE


@dataclass
class Target:
    """The leg that rings the other centre. `person`: somebody has picked up."""

    leg_id: str
    aside: bool = False
    """Rung into the second room, as long as the operator is there."""
    place: Place | None = None
    person: bool = False
    alive: bool = True

    @property
    def in_room(self) -> bool:
        return self.place is Place.ROOM


@dataclass
class Switch:
    """The truth, as `scene`'s machine cannot see it."""

    scene: Scene
    caller: Place = Place.BRIDGE
    agents: dict[str, Agent] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    said: list[Word] = field(default_factory=list)
    ordered: list[c.Command] = field(default_factory=list)
    ring_until: float = 0.0
    held_since: float = 0.0
    waiting: bool = False
    """Held because something rang, as the dialplan remembers: then never hung up."""
    over: bool = False
    """Held after a talk that people have ended: nobody expects the caller to go on."""
    dropped: list[str] = field(default_factory=list)
    """Ends of the caller's leg that nobody wanted."""

    def __post_init__(self) -> None:
        self.agents[OPERATOR] = Agent(OPERATOR, ZHANG)

    @property
    def now(self) -> float:
        return (self.scene.at - START).total_seconds()

    @property
    def target(self) -> Target | None:
        """The newest target that is alive."""
        return next((one for one in reversed(self.targets) if one.alive), None)

    def say(self, kind: type[e.Event], **fields: Any) -> None:
        self.said.append((kind, fields))

    def marked(self) -> int:
        """Members of the room who serve the caller."""
        agents = sum(one.place is Place.ROOM for one in self.agents.values())
        return agents + sum(one.alive and one.in_room for one in self.targets)

    def consulting(self) -> list["Agent"]:
        return [one for one in self.agents.values() if one.place is Place.ASIDE]

    def consulted(self) -> list["Target"]:
        return [one for one in self.targets if one.alive and one.place is Place.ASIDE]

    def humans(self) -> int:
        """People the caller can talk to where the caller is, or who consult for them."""
        if self.caller is Place.HOLD:
            talk = self.consulting() and any(one.person for one in self.consulted())
            return len(self.consulting()) if talk else 0
        agents = sum(one.place is self.caller for one in self.agents.values())
        inside = sum(one.alive and one.in_room and one.person for one in self.targets)
        return agents + (inside if self.caller is Place.ROOM else 0)

    # --- people ------------------------------------------------------------------------------

    def caller_hangs_up(self) -> None:
        self.say(e.HangupRequested, unique_id=CALLER)
        self._end_caller()

    def agent_hangs_up(self, unique_id: str) -> None:
        self.say(e.HangupRequested, unique_id=unique_id)
        self._end_agent(unique_id, wanted=True)

    def target_is_called(self, target: Target) -> None:
        """Whether anything is there is not known yet."""
        self.say(e.TargetTried, leg_id=target.leg_id)

    def target_rings(self, target: Target) -> None:
        self.target_is_called(target)
        self.say(e.TargetRinging, leg_id=target.leg_id)

    def target_answers(self, target: Target, *, person: bool) -> None:
        if person:
            target.person = True
        fields = {"leg_id": target.leg_id, "channel": "PJSIP/2001-1", "party": LI}
        unique_id = f"{OFFICER}-{target.leg_id}"
        self.say(e.TargetAnswered, unique_id=unique_id, by_agent=person, by_sign=person, **fields)
        if target.place is None:
            self._enters(target, aside=target.aside and bool(self.consulting()))

    def target_refuses(self, target: Target, reason: FailureReason) -> None:
        self.say(e.TargetRefused, leg_id=target.leg_id, reason=reason)
        self.say(e.TargetFailed, leg_id=target.leg_id)
        self._end_target(target, wanted=True)

    def target_hangs_up(self, target: Target) -> None:
        self.say(e.HangupRequested, unique_id=f"{OFFICER}-{target.leg_id}")
        self._end_target(target, wanted=True)

    def queue_answers(self) -> None:
        """The second operator takes the caller out of the queue."""
        unique_id = f"{SECOND_OPERATOR}{len(self.agents)}"
        self.agents[unique_id] = Agent(unique_id, WANG)
        self.caller = Place.BRIDGE
        self.say(e.AgentConnected, channel="PJSIP/1002-1", unique_id=unique_id, party=WANG)

    # --- the dialplan ------------------------------------------------------------------------

    def tick(self) -> None:
        """What the dialplan and the switch do by themselves as time passes."""
        for target in self.targets:
            if target.alive and not target.person and self.now >= self.ring_until > 0:
                self.say(e.TargetFailed, leg_id=target.leg_id)
                self._end_target(target, wanted=True)
        if self.caller is Place.HOLD:
            self._look_on_hold()
        if self.caller is not Place.HELD:
            return
        if self.marked():
            self._caller_enters()
        elif self.ring_until <= self.now and self.now - self.held_since >= LOOK_S:
            if self.waiting:
                self._requeue()
                return
            if not self.over:
                self.dropped.append("left to the dialplan with nothing ringing")
            self._end_caller()

    def _look_on_hold(self) -> None:
        rings = any(one.alive and one.place is None for one in self.targets)
        if self.consulting() and (rings or self.consulted()):
            self.held_since = self.now
        if self.marked():
            self._caller_enters(back=True)
        elif self.now - self.held_since < LONELY_S:
            return
        elif agents := self.consulting():
            self._agent_enters(agents[0])
            self._caller_enters(back=True)
        elif self.ring_until > self.now:
            self._hold(over=False)
        else:
            self._requeue()

    def _enters(self, target: Target, *, aside: bool) -> None:
        target.place = Place.ASIDE if aside else Place.ROOM
        fields = {"unique_id": target.leg_id, "channel": "Local/110"}
        self.say(e.RoomJoined, **fields, aside=aside)

    def _agent_enters(self, agent: Agent) -> None:
        """Into the caller's room; whoever was consulted follows."""
        was, agent.place = agent.place, Place.ROOM
        if was is Place.ASIDE:
            self.say(e.RoomLeft, unique_id=agent.unique_id, aside=True)
        self.say(e.RoomJoined, unique_id=agent.unique_id, channel="PJSIP/1001-1")
        self._let_consulted_out()

    def _let_consulted_out(self) -> None:
        for target in self.consulted():
            if not self.consulting():
                self.say(e.RoomLeft, unique_id=target.leg_id, aside=True)
                self._enters(target, aside=False)

    def _caller_enters(self, *, back: bool = False) -> None:
        self.caller = Place.ROOM
        if back:
            self.ring_until = self.now + 3
        self.ring_until = self.ring_until or self.now + 30
        self.say(e.RoomJoined, unique_id=CALLER, channel="PJSIP/city-1")

    def _requeue(self) -> None:
        if self.caller is Place.ROOM:
            self.say(e.RoomLeft, unique_id=CALLER)
        self.caller = Place.QUEUE
        self.say(e.CallerRequeued)

    def _let_caller_out(self, *, wanted: bool) -> None:
        """The last agent has left the caller."""
        if self.caller is Place.ROOM:
            self._hold(over=wanted and self.ring_until <= self.now)
            return
        if not wanted:
            self.dropped.append("the last agent was taken away")
        self._end_caller()

    def _end_caller(self) -> None:
        if self.caller is Place.GONE:
            return
        if self.caller is Place.ROOM:
            self.say(e.RoomLeft, unique_id=CALLER)
        in_bridge = self.caller is Place.BRIDGE
        self.caller = Place.GONE
        self.say(e.ChannelEnded, unique_id=CALLER, cause=16)
        for agent in self.agents.values():
            if in_bridge and agent.place is Place.BRIDGE:
                self._end_agent(agent.unique_id, wanted=True)

    def _end_agent(self, unique_id: str, *, wanted: bool) -> None:
        agent = self.agents[unique_id]
        was, agent.place = agent.place, Place.GONE
        if was is Place.GONE:
            return
        if was in (Place.ROOM, Place.ASIDE):
            self.say(e.RoomLeft, unique_id=unique_id, aside=was is Place.ASIDE)
        self._let_consulted_out()
        if was is self.caller and (was is Place.BRIDGE or self.marked() == 0):
            self._let_caller_out(wanted=wanted)
        self.say(e.ChannelEnded, unique_id=unique_id, cause=16)

    def _end_target(self, target: Target, *, wanted: bool) -> None:
        target.alive = False
        if target.place is Place.ASIDE:
            self.say(e.RoomLeft, unique_id=target.leg_id, aside=True)
        if target.in_room:
            self.say(e.RoomLeft, unique_id=target.leg_id)
            if self.caller is Place.ROOM and self.marked() == 0:
                self._let_caller_out(wanted=wanted)
        if target.person:
            unique_id = f"{OFFICER}-{target.leg_id}"
            self.say(e.ChannelEnded, unique_id=unique_id, cause=16)
        self.say(e.ChannelEnded, unique_id=target.leg_id, cause=16)

    # --- our commands ------------------------------------------------------------------------

    def execute(self, command: c.Command) -> bool:
        """Do what the machine ordered; False: the switch refuses."""
        if isinstance(command, c.RingTarget):
            return self._ring(command)
        if isinstance(command, c.HangUp):
            return self._hang_up(command.unique_id)
        if isinstance(command, c.OpenTap | c.Tell):
            return True
        return self.caller is not Place.GONE and self._take_caller(command)

    def _take_caller(self, command: c.Command) -> bool:
        if isinstance(command, c.MoveToRoom):
            return self._move(command)
        if isinstance(command, c.MoveAside):
            return self._move_aside(command)
        if isinstance(command, c.ForgetRinging):
            self.ring_until = 0.0
        elif isinstance(command, c.FetchCaller):
            self._caller_enters()
        elif isinstance(command, c.HoldCaller):
            self._take_aside(command.ring_s)
        elif isinstance(command, c.RequeueCaller):
            self._requeue()
        return True

    def _ring(self, command: c.RingTarget) -> bool:
        self.targets.append(Target(command.leg_id, command.aside))
        if self.caller is not Place.GONE:
            self.ring_until = self.now + command.ring_s
            self.waiting |= self.caller is Place.HELD
        return True

    def _hang_up(self, channel: str) -> bool:
        for target in self.targets:
            if target.leg_id == channel and target.alive:
                self._end_target(target, wanted=False)
                return True
        agent = self.agents.get(channel)
        if agent is None or agent.place is Place.GONE:
            return False
        self._end_agent(channel, wanted=False)
        return True

    def _move(self, command: c.MoveToRoom) -> bool:
        handed_over = [one for one in self.targets if one.alive and one.leg_id == command.agent]
        agent = self.agents.get(command.agent)
        if (agent is None or agent.place is Place.GONE) and not handed_over:
            return False
        self._leave_bridge(but=command.agent)
        self._caller_enters(back=command.back)
        for target in handed_over:
            if target.place is Place.ASIDE:
                self.say(e.RoomLeft, unique_id=target.leg_id, aside=True)
            self._enters(target, aside=False)
        if agent:
            self._agent_enters(agent)
        return True

    def _move_aside(self, command: c.MoveAside) -> bool:
        agent = self.agents.get(command.agent)
        if agent is None or agent.place is Place.GONE:
            return False
        self._leave_bridge(but=command.agent)
        for was, unique_id in ((self.caller, CALLER), (agent.place, agent.unique_id)):
            if was is Place.ROOM:
                self.say(e.RoomLeft, unique_id=unique_id)
        self.caller, self.held_since, agent.place = Place.HOLD, self.now, Place.ASIDE
        self.say(e.CallerOnHold)
        self.say(e.RoomJoined, unique_id=agent.unique_id, channel="PJSIP/1001-1", aside=True)
        return True

    def _leave_bridge(self, but: str) -> None:
        """The caller is taken out of the queue's bridge: who is left there goes home."""
        if self.caller is not Place.BRIDGE:
            return
        for agent in self.agents.values():
            if agent.place is Place.BRIDGE and agent.unique_id != but:
                agent.place = Place.GONE
                self.say(e.ChannelEnded, unique_id=agent.unique_id, cause=16)

    def _take_aside(self, ring_s: float) -> None:
        """The caller is taken out of wherever they are; a bridge without them is no bridge."""
        if ring_s > 0:
            self.ring_until = self.now + ring_s
        in_bridge = self.caller is Place.BRIDGE
        self._hold(over=False)
        for agent in self.agents.values():
            if in_bridge and agent.place is Place.BRIDGE:
                self._end_agent(agent.unique_id, wanted=False)

    def _hold(self, *, over: bool) -> None:
        if self.caller is Place.ROOM:
            self.say(e.RoomLeft, unique_id=CALLER)
        self.caller, self.held_since, self.over = Place.HELD, self.now, over
        self.waiting = self.ring_until > self.now
        if self.waiting:
            self.say(e.CallerHeld)
