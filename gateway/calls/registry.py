"""All live calls: routes what the switch sees to sessions and serves `CallControl`."""

from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from gateway import log
from gateway.calls import events as e
from gateway.calls import facts as f
from gateway.calls import recovery
from gateway.calls.metrics import KEYS_REFUSED
from gateway.calls.port import VERB_OF, Actor, ComponentHealth, LegalVerb, TransferOrder, Verb
from gateway.calls.session import Session, Tools
from gateway.calls.state import CallState
from gateway.calls.verbs import asking_leg, droppable, legal
from gateway.calls.view import CallView, TransferView
from gateway.clock import now
from gateway.errors import (
    CallError,
    CallNotFound,
    DesignationNeeded,
    IdempotencyConflict,
    IllegalVerb,
    NotInControl,
)
from gateway.ids import new_id
from gateway.telephony.port import Sighting

_log = log.get("calls")
KEEP_ENDED = timedelta(minutes=10)
_KEPT_KEYS = 4096
Keys = Mapping[tuple[Verb, str], str]
"""Feature codes by verb and target ('' where the verb has none)."""
Probe = Callable[[], Awaitable[ComponentHealth]]


class Registry:
    """The `CallControl` of `serve`."""

    def __init__(
        self,
        tools: Tools,
        keys: Keys,
        look_again: Callable[[], None] = lambda: None,
    ) -> None:
        """`look_again` is called when a key was pressed on a call that is not known here."""
        self._tools = tools
        self._keys = keys
        self.probes: Sequence[Probe] = ()
        """One for each part whose health is asked."""
        self._look_again = look_again
        self._unplaced: deque[tuple[Sighting, e.KeyPressed]] = deque(maxlen=_KEPT_KEYS)
        self._sessions: dict[str, Session] = {}
        self._by_room: dict[str, Session] = {}
        self._by_unique: dict[str, Session] = {}
        self._orders: OrderedDict[str, tuple[str, TransferOrder, str]] = OrderedDict()

    # --- from the switch -------------------------------------------------------------------

    def sight(self, sighting: Sighting) -> None:
        """Route one sighting; those of no call of ours are dropped."""
        event = sighting.event
        if isinstance(event, e.CallArrived):
            self._arrive(event)
        session = self._find(sighting)
        if session is not None:
            self._post(session, event)
        elif isinstance(event, e.KeyPressed):
            _log.warning("key of an unknown call", room=sighting.room, verb=event.asked.ask.value)
            self._unplaced.append((sighting, event))
            self._look_again()

    def place_keys(self, until: datetime) -> None:
        """Give the keys pressed `until` then to calls that have come to light since.

        A key that grew too old while it waited is discarded like any other.
        """
        while self._unplaced and self._unplaced[0][1].at <= until:
            sighting, event = self._unplaced.popleft()
            session = self._find(sighting)
            waited_s = (now() - event.at).total_seconds()
            if session is not None:
                session.post(replace(event, age_s=event.age_s + waited_s))
            elif not event.asked.native:
                KEYS_REFUSED.labels("unknown call").inc()
                _log.warning("key refused", room=sighting.room, why="unknown call")

    def _post(self, session: Session, event: e.Event) -> None:
        if isinstance(event, e.AgentConnected | e.TargetAnswered | e.RoomJoined):
            self._by_unique[event.unique_id] = session
        session.post(event)

    def session_of_leg(self, leg_id: str) -> Session | None:
        """Leg ids begin with the id of their call."""
        return self._sessions.get(leg_id.split(".", 1)[0])

    def record(self, fact: f.Fact) -> None:
        """Write a fact that came from another process; unknown calls are dropped."""
        if session := self._sessions.get(fact.call_id):
            session.record(fact)

    def record_missed(self, fact: f.Fact) -> None:
        """`record` what was said while no gateway may have listened; repeats are passed over."""
        session = self._sessions.get(fact.call_id)
        if session and not session.view.knows(fact):
            session.record(fact)

    def heard_until(self, leg_id: str) -> datetime | None:
        """When this leg was last heard, or answered; None: it is not known."""
        session = self.session_of_leg(leg_id)
        leg = session.view.legs.get(leg_id) if session else None
        return session.view.heard_until.get(leg_id, leg.answered_at) if session and leg else None

    def channels(self) -> set[str]:
        """Unique ids of the channels that should be alive on the switch."""
        return {one for session in self._sessions.values() for one in _channels(session.state)}

    def reconcile(self, live: set[str], known: set[str] | None = None) -> None:
        """End the channels that are not in `live` (unique ids): their hang-up was missed.

        `known`: `channels()` from before `live` was asked for; what came later is left alone.
        """
        for session in self._sessions.values():
            for channel in _channels(session.state):
                if channel not in live and (known is None or channel in known):
                    session.post(e.ChannelEnded(now(), channel, 0))

    def adopt(self, views: Iterable[CallView]) -> None:
        """Take over calls that an earlier gateway left (`calls.recovery`), before any event."""
        for view in views:
            if view.room and view.id not in self._sessions:
                state = recovery.state_of(view, self._tools.rules)
                session = Session(view.id, self._tools, state=state, view=view)
                self._sessions[view.id] = session
                self._by_room[view.room] = session
                names = [*_channels(state), *(leg.unique_id for leg in state.agents)]
                self._by_unique.update(dict.fromkeys(names, session))
                session.start(recovery.deadlines(state, now()))

    def speaks(self, leg_id: str) -> bool:
        """Whether this leg is live, and nobody has hung it up."""
        session = self.session_of_leg(leg_id)
        if session is None:
            return False
        caller = session.state.caller
        legs = [*session.state.agents, *([caller] if caller else [])]
        return any(leg.id == leg_id and not leg.leaving for leg in legs)

    def states(self) -> list[CallState]:
        """The states of the calls that are not over."""
        return [session.state for session in self._sessions.values() if not session.over]

    def catch_up(self, missed: Callable[[CallState], Sequence[e.Event]]) -> None:
        """Post to every live call what it has missed."""
        for session in self._sessions.values():
            if not session.over:
                for event in missed(session.state):
                    self._post(session, event)

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.stop()

    def _arrive(self, event: e.CallArrived) -> None:
        if event.room in self._by_room:
            return
        self._prune()
        session = Session(self._tools.name_call(event.room), self._tools)
        self._sessions[session.call_id] = session
        self._by_room[event.room] = session
        self._by_unique[event.unique_id] = session
        session.start()

    def _find(self, sighting: Sighting) -> Session | None:
        if sighting.room:
            return self._by_room.get(sighting.room)
        known = self._by_unique.get(sighting.unique_id)
        return known or self.session_of_leg(sighting.unique_id)

    def _prune(self) -> None:
        """Forget calls that ended a while ago; the ledger keeps them."""
        oldest = now() - KEEP_ENDED
        for session in [one for one in self._sessions.values() if one.over]:
            if session.view.ended_at and session.view.ended_at < oldest:
                session.cancel()
                del self._sessions[session.call_id]
                self._by_room.pop(session.view.room, None)
                gone = [key for key, one in self._by_unique.items() if one is session]
                for key in gone:
                    del self._by_unique[key]

    # --- CallControl -----------------------------------------------------------------------

    def calls(self) -> list[CallView]:
        views = [session.view for session in self._sessions.values()]
        return sorted(views, key=lambda view: (view.ended_at is not None, view.id))

    def call(self, call_id: str) -> CallView:
        return self._session(call_id).view

    def legal(self, call_id: str) -> list[LegalVerb]:
        state = self._session(call_id).state
        found: list[LegalVerb] = []
        for leg in state.agents:
            source = leg.party.centre or state.centre
            for target in [to for origin, to in self._tools.rules if origin == source]:
                if legal(state, e.Ask.TRANSFER, leg, target):
                    found += [
                        LegalVerb(verb, target, self._keys.get((verb, target), ""))
                        for verb in (Verb.TRANSFER, Verb.THREE_WAY)
                    ]
                if legal(state, e.Ask.CONSULT, leg, target):
                    key = self._keys.get((Verb.CONSULT, target), "")
                    found.append(LegalVerb(Verb.CONSULT, target, key))
            found += [
                LegalVerb(verb, "", self._keys.get((verb, ""), ""))
                for verb in (Verb.BACK, Verb.RELEASE, Verb.JOIN)
                if legal(state, e.Ask(verb.value), leg)
            ]
            last = droppable(state, leg)
            found += [
                LegalVerb(Verb.DROP, one.id, self._keys.get((Verb.DROP, ""), "") * (one is last))
                for one in state.agents
                if droppable(state, leg, one.id)
            ]
        return list(dict.fromkeys(found))

    async def transfer(self, call_id: str, order: TransferOrder, by: Actor) -> TransferView:
        session = self._session(call_id)
        if earlier := self._orders.get(order.idempotency_key):
            if earlier[:2] != (call_id, order):
                raise IdempotencyConflict("this Idempotency-Key came with another request")
            return _transfer(session.view, earlier[2])
        ask = e.Ask(VERB_OF[order.kind].value)
        ref = new_id()
        self._remember(call_id, order, ref)
        try:
            await self._ask(session, ask, by, target=order.target, ref=ref)
            _check_rings(session, ref, order.target)
        except (CallError, NotInControl):
            self._orders.pop(order.idempotency_key, None)
            raise
        return _transfer(session.view, ref)

    def _remember(self, call_id: str, order: TransferOrder, ref: str) -> None:
        # Before the order is given: its client may be gone by the time it has been taken.
        if order.idempotency_key:
            self._orders[order.idempotency_key] = (call_id, order, ref)
            if len(self._orders) > _KEPT_KEYS:
                self._orders.popitem(last=False)

    async def back(self, call_id: str, by: Actor) -> CallView:
        session = self._session(call_id)
        await self._ask(session, e.Ask.BACK, by)
        return session.view

    async def join(self, call_id: str, by: Actor) -> CallView:
        session = self._session(call_id)
        await self._ask(session, e.Ask.JOIN, by)
        return session.view

    async def drop(self, call_id: str, leg_id: str, by: Actor) -> CallView:
        session = self._session(call_id)
        await self._ask(session, e.Ask.DROP, by, party=leg_id)
        return session.view

    async def release(self, call_id: str, by: Actor) -> CallView:
        session = self._session(call_id)
        await self._ask(session, e.Ask.RELEASE, by)
        return session.view

    async def mark(self, call_id: str, danger: bool, by: Actor) -> CallView:
        session = self._session(call_id)
        if session.state.ended:
            raise IllegalVerb("the call has ended")
        await session.ask(e.DangerMarked(now(), danger, by.agent or by.name))
        return session.view

    async def designate(self, call_id: str, centre: str, reason: str, by: Actor) -> CallView:
        session = self._session(call_id)
        self._check_owner(session, centre)
        await session.ask(e.OwnerDesignated(now(), centre, by.agent or by.name, reason))
        return session.view

    async def settle(self, call_id: str, centre: str, by: Actor) -> CallView:
        session = self._session(call_id)
        if not any(one.has_been(f.TransferState.THREE_WAY) for one in session.view.transfers):
            raise IllegalVerb("there has been no three-way talk on this call to settle anything")
        self._check_owner(session, centre or session.state.centre)
        await session.ask(e.OwnerSettled(now(), centre, by.agent or by.name))
        return session.view

    def _check_owner(self, session: Session, centre: str) -> None:
        if session.state.ended:
            raise IllegalVerb("the call has ended")
        centres = {source for source, _ in self._tools.rules}
        if centre not in centres:
            raise IllegalVerb(f"{centre} is none of the centres {', '.join(sorted(centres))}")

    def tell(self, fact: f.Fact, view: CallView) -> None:
        session = self._sessions.get(fact.call_id)
        if session is not None:
            session.record(fact)
        else:
            self._tools.on_fact(fact, view)

    async def decide(
        self,
        call_id: str,
        suggestion_id: str,
        decision: Literal["accepted", "changed", "ignored"],
        platform: str,
        item: str | None,
        by: Actor,
    ) -> CallView:
        session = self._session(call_id)
        made = session.view.suggestion
        if made is None or made.suggestion_id != suggestion_id:
            raise IllegalVerb("the suggestion has changed meanwhile; read it again and decide")
        decided = f.SuggestionDecided(
            call_id=call_id,
            suggestion_id=suggestion_id,
            decision=decision,
            platform=platform,
            item=item,
            agent=by.agent or by.name,
        )
        session.record(decided)
        if decision == "accepted" and made.urgency == "emergency" and not session.state.ended:
            await session.ask(e.DangerMarked(now(), True, by.agent or by.name, "suggestion"))
        return session.view

    async def health(self) -> list[ComponentHealth]:
        return [await probe() for probe in self.probes]

    def _session(self, call_id: str) -> Session:
        try:
            return self._sessions[call_id]
        except KeyError:
            raise CallNotFound(f"no live call {call_id}") from None

    async def _ask(
        self,
        session: Session,
        ask: e.Ask,
        by: Actor,
        *,
        target: str = "",
        ref: str = "",
        party: str = "",
    ) -> None:
        if not self._tools.in_control():
            raise NotInControl(f"{ask}: this gateway is not in control of the PBX now; try again")
        asked = e.Asked(
            now(), ask=ask, ref=ref or new_id(), target=target, agent=by.agent, party=party
        )
        leg = asking_leg(session.state, asked)
        if not legal(session.state, ask, leg, target or party):
            raise IllegalVerb(f"{ask} is not possible in the call's present state")
        source = (leg.party.centre if leg else "") or session.state.centre
        if target and (source, target) not in self._tools.rules:
            raise IllegalVerb(f"there is no link from {source} to {target}")
        await session.ask(asked)


def _check_rings(session: Session, ref: str, target: str) -> None:
    """Raise DesignationNeeded if the machine has asked for that instead of ringing."""
    waits = session.state.designating
    if waits and waits.target == target and all(one.id != ref for one in session.view.transfers):
        raise DesignationNeeded(
            f"the call has been handed over {session.state.handovers} times already: a supervisor "
            "has to designate the centre that accepts before another one rings"
        )


def _channels(state: CallState) -> list[str]:
    legs = [*state.agents, *([state.caller] if state.caller else [])]
    channels = [leg.handle for leg in legs]
    transfer = state.transfer
    if transfer and transfer.live and transfer.rung and state.agent(transfer.leg_id) is None:
        channels.append(transfer.leg_id)
    return channels


def _transfer(view: CallView, transfer_id: str) -> TransferView:
    for transfer in view.transfers:
        if transfer.id == transfer_id:
            return transfer
    raise IllegalVerb("the call's state changed before the transfer could begin")
