"""What is on the PBX now, and what a gateway that was away has missed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.calls import events as e
from gateway.calls.commands import OpenTap
from gateway.calls.state import CallState, Leg
from gateway.clock import now
from gateway.telephony.ami_event import AmiEvent
from gateway.telephony.ami_port import Ami
from gateway.telephony.seats import Seats

_ROOM_APPLICATION = "ConfBridge"
_HELD_CONTEXT = "liandong-alone"
_FAR_END = ";2"


@dataclass(frozen=True)
class ChannelSeen:
    """One row of CoreShowChannels. `bridge` is empty outside bridges."""

    unique_id: str
    channel: str
    application: str
    context: str
    bridge: str
    spied: str = ""
    """The channel this one listens to, for taps."""


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
            _spied(event),
        )
        for event in reply.events
        if event.name == "CoreShowChannel"
    ]
    return {row.unique_id: row for row in rows}


def _spied(event: AmiEvent) -> str:
    if event.get("Application") != "ChanSpy":
        return ""
    return event.get("ApplicationData").partition(",")[0]


def untapped(state: CallState, seen: Snapshot) -> list[OpenTap]:
    """Taps to open: live speakers of a served call to whom nobody listens."""
    spied = {row.spied for row in seen.values()}
    legs = [*state.agents, *([state.caller] if state.caller and state.served else [])]
    wanted = [leg for leg in legs if leg.unique_id in seen and leg.channel not in spied]
    return [OpenTap(leg.id, leg.channel) for leg in wanted]


def missed(state: CallState, seen: Snapshot, seats: Seats) -> list[e.Event]:
    """Events that bring `state` up to what `seen` shows; hang-ups are told elsewhere."""
    legs = [*state.agents, *([state.caller] if state.caller else [])]
    events = [event for leg in legs if (event := _place(leg, seen)) is not None]
    events += _target(state, seen, seats)
    caller = seen.get(state.caller.unique_id) if state.caller else None
    if caller and caller.context == _HELD_CONTEXT and not state.caller_held:
        events.append(e.CallerHeld(now()))
    return events


def _place(leg: Leg, seen: Snapshot) -> e.Event | None:
    """Is a leg that we knew outside now inside the room, or the other way round?"""
    row = seen.get(leg.handle)
    if row is None:
        return None
    inside = row.application == _ROOM_APPLICATION
    if inside and not leg.in_room:
        return e.RoomJoined(now(), leg.handle, row.channel)
    if leg.in_room and not inside:
        return e.RoomLeft(now(), leg.handle)
    return None


def _target(state: CallState, seen: Snapshot, seats: Seats) -> list[e.Event]:
    """The target's leg of a live transfer: has it joined, has a person answered meanwhile?"""
    transfer = state.transfer
    if transfer is None or not transfer.live or transfer.answered:
        return []
    events: list[e.Event] = []
    if (row := seen.get(transfer.leg_id)) and row.application == _ROOM_APPLICATION:
        events.append(e.RoomJoined(now(), row.unique_id, row.channel))
    far = seen.get(transfer.leg_id + _FAR_END)
    for phone in _bridged_with(far, seen.values()):
        party = seats.of_channel(phone.channel)
        answered = e.TargetAnswered(
            now(), transfer.leg_id, phone.channel, phone.unique_id, party, by_agent=True
        )
        events.append(answered)
    return events


def _bridged_with(row: ChannelSeen | None, rows: Iterable[ChannelSeen]) -> list[ChannelSeen]:
    """Phones in the same bridge: whoever a queue has connected."""
    if row is None or not row.bridge:
        return []
    return [one for one in rows if one.bridge == row.bridge and one.unique_id != row.unique_id]
