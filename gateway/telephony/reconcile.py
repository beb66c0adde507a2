"""What is on the PBX now, and what a gateway that was away has missed."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.calls import events as e
from gateway.calls.commands import OpenTap
from gateway.calls.state import CallState, Leg, Transfer
from gateway.calls.verbs import refusal
from gateway.clock import now
from gateway.ids import new_id
from gateway.telephony.ami_port import Ami
from gateway.telephony.seats import Seats
from gateway.telephony.sightings import SECOND_ROOM
from gateway.telephony.untrusted import room_of

_ROOM_APPLICATION = "ConfBridge"
_HELD_CONTEXT = "liandong-alone"
_HOLD_CONTEXT = "liandong-hold"
FAR_END = ";2"
_RUNG_NATIVELY = re.compile(r"Local/([0-9]{1,12})@liandong-native-")
LOCAL, TAP_PREFIX = "Local/", "AudioSocket/"
NOT_PEOPLE = (LOCAL, TAP_PREFIX)


@dataclass(frozen=True)
class ChannelSeen:
    """One row of CoreShowChannels. `bridge` is empty outside bridges."""

    unique_id: str
    channel: str
    application: str
    context: str
    bridge: str
    data: str = ""
    """What the application was given."""
    entered: datetime | None = None
    """Since when it is in its room, where the dialplan's mark was asked for (`entered`)."""
    asked: datetime | None = None
    """Of a target that the dialplan has rung by itself: when the key was pressed."""
    asker: str = ""
    """And the centre of whoever pressed it."""

    @property
    def spied(self) -> str:
        """The channel this one listens to, for taps."""
        return self._first if self.application == "ChanSpy" else ""

    @property
    def in_room(self) -> bool:
        return self.application == _ROOM_APPLICATION and not self.aside

    @property
    def room(self) -> str:
        """The conference it is in, of ours or not; '' outside."""
        return self._first if self.application == _ROOM_APPLICATION else ""

    @property
    def in_our_room(self) -> bool:
        return bool(room_of(self.room)) and not self.channel.startswith(TAP_PREFIX)

    @property
    def aside(self) -> bool:
        """In the second room, where an operator consults without the caller."""
        return self.application == _ROOM_APPLICATION and self._first.endswith(SECOND_ROOM)

    @property
    def _first(self) -> str:
        return self.data.partition(",")[0]


Snapshot = Mapping[str, ChannelSeen]
"""Channels by unique id."""


async def snapshot(ami: Ami) -> Snapshot:
    """Every channel on the PBX. Raises SwitchError."""
    reply = await ami.collect("CoreShowChannels")
    rows = [
        ChannelSeen(
            event.get("Uniqueid"),
            event.get("Channel"),
            event.get("Application"),
            event.get("Context"),
            event.get("BridgeId"),
            event.get("ApplicationData"),
        )
        for event in reply.events
        if event.name == "CoreShowChannel"
    ]
    return {row.unique_id: row for row in rows}


async def variable_of(ami: Ami, channel: str, name: str) -> str:
    """A channel's variable, '' where there is none. Raises SwitchRefused when it has gone."""
    return (await ami.send("Getvar", {"Channel": channel, "Variable": name})).get("Value")


def untapped(state: CallState, seen: Snapshot) -> list[OpenTap]:
    """Taps to open: live speakers of a served call to whom nobody listens."""
    spied = {row.spied for row in seen.values()}
    wanted = [leg for leg in _speakers(state, seen) if leg.channel not in spied]
    return [OpenTap(leg.id, leg.channel) for leg in wanted]


def tapped(state: CallState, seen: Snapshot) -> list[tuple[OpenTap, str]]:
    """The taps on a served call's live speakers, each with its own channel."""
    taps = {row.spied: row.channel for row in seen.values() if row.spied}
    legs = [leg for leg in _speakers(state, seen) if leg.channel in taps]
    return [(OpenTap(leg.id, leg.channel), taps[leg.channel]) for leg in legs]


def _speakers(state: CallState, seen: Snapshot) -> list[Leg]:
    legs = [*state.agents, *([state.caller] if state.caller and state.served else [])]
    return [leg for leg in legs if leg.unique_id in seen]


def missed(state: CallState, seen: Snapshot, seats: Seats) -> list[e.Event]:
    """Events that bring `state` up to what `seen` shows, in the order in which it came about.

    Hang-ups are told elsewhere.
    """
    legs = [*state.agents, *([state.caller] if state.caller else [])]
    events = [event for leg in legs if (event := _place(leg, seen)) is not None]
    events += _target(state, seen, seats)
    events += _newcomers(state, seen, seats)
    caller = seen.get(state.caller.unique_id) if state.caller else None
    if caller and caller.context == _HELD_CONTEXT and not state.caller_held:
        events.append(e.CallerHeld(now()))
    if caller and caller.context == _HOLD_CONTEXT and not state.on_hold:
        begun = _begun_unseen(state, seen, seats)
        events += [*begun, e.CallerOnHold(begun[0].at if begun else now())]
    earliest = state.started or min((event.at for event in events), default=now())
    in_time = [replace(event, at=max(event.at, earliest)) for event in events]
    return sorted(in_time, key=lambda event: event.at)


def _begun_unseen(state: CallState, seen: Snapshot, seats: Seats) -> list[e.Event]:
    """A consultation that the dialplan began by itself, and whom the operator talks to there."""
    if state.transfer and state.transfer.live:
        return []
    operators = [leg for leg in state.agents if _row_aside(seen, leg.handle)]
    if not operators:
        return []
    operator = operators[0]
    others = [
        row
        for row in bridged_with(seen[operator.handle], seen.values())
        if state.leg_of(row.unique_id) is None and not row.channel.startswith(TAP_PREFIX)
    ]
    phones = [phone for row in others for phone in phones_of(row, seen.values())]
    centre = next((seats.of_channel(phone.channel).centre for phone in phones), "")
    began = since(seen[operator.handle])
    asked = e.Asked(
        began,
        ask=e.Ask.CONSULT,
        ref=new_id(),
        target=centre,
        unique_id=operator.unique_id,
        native=True,
    )
    joined = [
        e.RoomJoined(max(began, since(row)), row.unique_id, row.channel, aside=True)
        for row in others
    ]
    return [asked, *joined]


def _row_aside(seen: Snapshot, handle: str) -> bool:
    return handle in seen and seen[handle].aside


def since(row: ChannelSeen) -> datetime:
    """When it came into its room; now, where no mark says."""
    return row.entered or now()


def _place(leg: Leg, seen: Snapshot) -> e.Event | None:
    """Is a leg that we knew outside now inside the room, or the other way round?"""
    row = seen.get(leg.handle)
    if row is None:
        return None
    if (row.in_room and not leg.in_room) or (row.aside and not leg.aside):
        return e.RoomJoined(since(row), leg.handle, row.channel, row.aside)
    if (leg.in_room and not row.in_room) or (leg.aside and not row.aside):
        return e.RoomLeft(now(), leg.handle, leg.aside)
    return None


def _target(state: CallState, seen: Snapshot, seats: Seats) -> list[e.Event]:
    """The target's leg of a live transfer: has it joined, has a person answered meanwhile?"""
    transfer = state.transfer
    if transfer is None or not transfer.live or transfer.answered:
        return []
    events: list[e.Event] = []
    if (row := seen.get(transfer.leg_id)) and (row.in_room or row.aside):
        if not row.channel.startswith(NOT_PEOPLE):
            events.append(_answered(transfer, row, seats, by_agent=False))
        events.append(e.RoomJoined(since(row), row.unique_id, row.channel, row.aside))
    far = seen.get(transfer.leg_id + FAR_END)
    phones = bridged_with(far, seen.values()) if far else []
    return events + [_answered(transfer, phone, seats, by_agent=True) for phone in phones]


def _answered(
    transfer: Transfer, phone: ChannelSeen, seats: Seats, *, by_agent: bool
) -> e.TargetAnswered:
    party, late = seats.of_channel(phone.channel), phone.entered is None
    return e.TargetAnswered(
        since(phone),
        transfer.leg_id,
        phone.channel,
        phone.unique_id,
        party,
        by_agent=by_agent,
        late=late,
    )


def _newcomers(state: CallState, seen: Snapshot, seats: Seats) -> Iterator[e.Event]:
    """Those who have come to the caller unseen: operators, and targets rung by the dialplan."""
    caller = seen.get(state.caller.unique_id) if state.caller else None
    if caller is None:
        return
    transfer = state.transfer
    adopts = bool(transfer and transfer.live and transfer.native and not transfer.answered)
    for row in bridged_with(caller, seen.values()):
        if row.unique_id.startswith(f"{state.call_id}.target.") or state.leg_of(row.unique_id):
            continue
        phones = phones_of(row, seen.values())
        if any(state.leg_of(phone.unique_id) for phone in phones):
            continue
        unseen = phones and caller.in_room and not adopts
        key = _key_unseen(state, row, seen) if unseen else None
        if key:
            yield key
        if (adopts and caller.in_room) or key:
            yield target_came(row, phones, seats)
            adopts = False
            continue
        for phone in phones:
            late = row.entered is None
            yield from operator_came(row, phone, seats, in_room=caller.in_room, late=late)


def _key_unseen(state: CallState, row: ChannelSeen, seen: Snapshot) -> e.Asked | None:
    """The key on which the dialplan has rung this one by itself, if that can be so.

    Whoever pressed it may have hung up since: the end of their leg is told after this.
    """
    gone = [leg for leg in state.agents if leg.handle not in seen]
    there = [leg for leg in state.agents if leg.handle in seen and seen[leg.handle].in_room]
    centres = {leg.unique_id: leg.party.centre or state.centre for leg in there or gone}
    asker = asker_of(row, centres)
    asked = native_key(row, asker) if asker else None
    return None if asked is None or refusal(state, asked) else asked


def asker_of(row: ChannelSeen, operators: Mapping[str, str]) -> str:
    """Whose key it was, of these (unique id to centre); '' if that cannot be told."""
    of_centre = [one for one, centre in operators.items() if centre == row.asker]
    candidates = of_centre if row.asker else list(operators)
    return candidates[0] if len(candidates) == 1 else ""


def native_key(row: ChannelSeen, asker: str) -> e.Asked | None:
    """The key by which the dialplan rang this target by itself; None: it is no such target."""
    target = _RUNG_NATIVELY.match(row.channel)
    if target is None:
        return None
    at = min(row.asked or since(row), since(row))
    return e.Asked(
        at, ask=e.Ask.TRANSFER, ref=new_id(), target=target[1], unique_id=asker, native=True
    )


def target_came(row: ChannelSeen, phones: Sequence[ChannelSeen], seats: Seats) -> e.RoomJoined:
    """A target that the dialplan rang by itself is in the room; `phones`: behind its leg."""
    party = seats.of_channel(phones[0].channel) if phones else e.Party()
    return e.RoomJoined(since(row), row.unique_id, row.channel, party=party)


def operator_came(
    row: ChannelSeen, phone: ChannelSeen, seats: Seats, *, in_room: bool, late: bool
) -> Iterator[e.Event]:
    """The phone of `row`, or behind it, has the caller, in the room or in a queue's bridge."""
    party = seats.of_channel(phone.channel)
    yield e.AgentConnected(
        since(row), phone.channel, phone.unique_id, party, late=late, in_room=in_room
    )
    if in_room:
        yield e.RoomJoined(since(row), phone.unique_id, phone.channel)


def phones_of(row: ChannelSeen, rows: Iterable[ChannelSeen]) -> list[ChannelSeen]:
    """The phone this is, or the phones behind this Local leg."""
    if not row.channel.startswith(LOCAL):
        return [row]
    everyone = list(rows)
    far_end = row.channel.removesuffix(";1") + FAR_END
    far_ends = [one for one in everyone if one.channel == far_end]
    phones = [phone for far in far_ends for phone in bridged_with(far, everyone)]
    return [phone for phone in phones if not phone.channel.startswith(NOT_PEOPLE)]


def bridged_with(row: ChannelSeen, rows: Iterable[ChannelSeen]) -> list[ChannelSeen]:
    """The others in the same bridge."""
    if not row.bridge:
        return []
    return [one for one in rows if one.bridge == row.bridge and one.unique_id != row.unique_id]
