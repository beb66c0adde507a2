"""The state of one call as the pure machine sees it. Everything is frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.calls.events import Party
from gateway.calls.facts import FailureReason, LegRole, TransferKind, TransferState

LIVE_TRANSFER = frozenset(
    {
        TransferState.REQUESTED,
        TransferState.RINGING,
        TransferState.BRIEFING,
        TransferState.CONSULTING,
        TransferState.THREE_WAY,
    }
)


@dataclass(frozen=True)
class Leg:
    """A live leg. `in_room`: it has joined the room and not left it; `aside`: the second room."""

    id: str
    role: LegRole
    channel: str
    unique_id: str
    party: Party = field(default_factory=Party)
    in_room: bool = False
    been_in_room: bool = False
    aside: bool = False
    holds: bool = False
    """Its own phone has put the call on hold."""
    hung_up_by_party: bool = False
    hung_up_by_us: bool = False
    bridge: str = ""
    """The bridge behind the name of the room that it is in, where that is known."""

    @property
    def handle(self) -> str:
        """The channel to act on: a target's own leg, not the phone its queue found."""
        return self.id if ".target." in self.id else self.unique_id

    @property
    def leaving(self) -> bool:
        """Somebody has put down the phone or we have: the channel's end is on its way."""
        return self.hung_up_by_party or self.hung_up_by_us


@dataclass(frozen=True)
class Rules:
    """How one link hands over (settings [[links]])."""

    release: str = "answered"
    brief_s: float = 0.0
    ring_s: float = 30.0
    answered_by: str = "agent"
    hunt: tuple[str, ...] = ()
    """Who answers at each further place, rung in turn where the one before gave nobody."""
    designate_at: int = 3
    """The hand-over between the centres that asks for a designation; 0: to a line outside."""
    alive_s: float = 4.0
    """How long what is called may show no life while there is another place to ring; 0: ring_s."""

    @property
    def places(self) -> tuple[str, ...]:
        return (self.answered_by, *self.hunt)


@dataclass(frozen=True)
class Transfer:
    """The latest transfer. The target's leg exists on the switch once `rung`."""

    id: str
    kind: TransferKind
    source: str
    target: str
    transferor: str
    leg_id: str
    """The channel of the place that is being rung: another for each."""
    state: TransferState
    rules: Rules
    tried: int = 0
    """Places rung in vain, of `rules.places`."""
    rung: bool = False
    blind: bool = False
    """Released at once: the caller is held by the dialplan while the target rings."""
    aside: bool = False
    """The operator consults: they and the target meet in the second room, the caller is on hold."""
    crossing: bool = False
    """The consultation is over: the target is on its way into the caller's room."""
    moved: bool = False
    """The switch, or the room, has said that caller and transferor were moved."""
    joined: bool = False
    answered: bool = False
    phones: int = 0
    """Phones beneath the target's leg that have been called."""
    refusals: tuple[FailureReason, ...] = ()
    """What phones beneath it said instead of ringing on."""
    native: bool = False
    refused_at: datetime | None = None
    """When the switch refused to move caller and transferor."""
    release_due: bool = False
    """The transferor goes as soon as the caller is seen in the room."""

    @property
    def live(self) -> bool:
        return self.state in LIVE_TRANSFER

    @property
    def answered_by(self) -> str:
        """What counts as a person's answer at the place that is being rung."""
        return self.rules.places[min(self.tried, len(self.rules.places) - 1)]

    @property
    def met(self) -> bool:
        """Its leg, or a person on it, was seen."""
        return self.joined or self.answered

    @property
    def committed(self) -> bool:
        """A person at the target has answered and is in the room (or the second, if `aside`)."""
        return self.joined and self.answered

    @property
    def first_move(self) -> str:
        """The command that begins it."""
        if self.kind is TransferKind.CONSULT:
            return "MoveAside"
        return "HoldCaller" if self.blind else "MoveToRoom"


@dataclass(frozen=True)
class Designating:
    """A hand-over that waits for a supervisor to say whose call it is."""

    leg_id: str
    source: str
    target: str


@dataclass(frozen=True)
class CallState:
    """One call: its live legs, its latest transfer."""

    call_id: str
    room: str = ""
    centre: str = ""
    caller_number: str = ""
    started: datetime | None = None
    caller: Leg | None = None
    agents: tuple[Leg, ...] = ()
    transfer: Transfer | None = None
    spent: int = 0
    """How many agent legs there have been: leg ids are never used twice."""
    left: Leg | None = None
    """The agent's leg that has ended last."""
    gone: frozenset[str] = frozenset()
    """Unique ids of channels that have ended: a late word about them means nothing."""
    asked: frozenset[str] = frozenset()
    """Refs of transfers asked for: the same press told twice is one press."""
    danger: bool = False
    handovers: int = 0
    """How often the call has gone from one centre to another."""
    owner: str = ""
    """The centre that accepts: agreed upon, or designated."""
    designating: Designating | None = None
    unsettled: str = ""
    """The three-way between centres whose outcome nobody has said."""
    served: bool = False
    caller_held: bool = False
    on_hold: bool = False
    """The caller hears music while the operator consults."""
    queued: bool = False
    """Back in a queue, for the first time since somebody had the caller."""
    forsaken: bool = False
    """Whoever had the caller is gone, and nobody has had them since."""
    requeued_at: datetime | None = None
    """When we last ordered the caller back to the queue."""
    fetching: bool = False
    """We are bringing the caller into the room."""
    ended: bool = False
    rules: Mapping[tuple[str, str], Rules] = field(default_factory=dict)

    def agent(self, leg_id: str) -> Leg | None:
        return next((leg for leg in self.agents if leg.id == leg_id), None)

    @property
    def staying(self) -> tuple[Leg, ...]:
        """Agents on the call who are not about to leave it."""
        return tuple(leg for leg in self.agents if not leg.leaving)

    def leg_of(self, unique_id: str) -> Leg | None:
        """The live leg of a channel, by unique id or by name.

        A target's leg also answers for its person's channel.
        """
        legs = (*self.agents, *((self.caller,) if self.caller else ()))
        return next(
            (leg for leg in legs if unique_id in (leg.unique_id, leg.id, leg.channel)), None
        )

    def with_leg(self, leg: Leg) -> "CallState":
        """This state with `leg` in the place of the one with its id, or added."""
        if leg.role is LegRole.CALLER:
            return replace(self, caller=leg)
        if self.agent(leg.id) is None:
            return replace(self, agents=(*self.agents, leg))
        agents = tuple(leg if one.id == leg.id else one for one in self.agents)
        return replace(self, agents=agents)

    def without_leg(self, leg: Leg) -> "CallState":
        if leg.role is LegRole.CALLER:
            return replace(self, caller=None)
        return replace(self, agents=tuple(one for one in self.agents if one.id != leg.id))

    def with_transfer(self, transfer: Transfer) -> "CallState":
        return replace(self, transfer=transfer)
