"""Calls that came in while no gateway was there: found on the switch and taken in.

Our dialplan has marked their channels; the marks are read back one caller at a time.
"""

import contextlib
from collections.abc import Iterable, Iterator

from gateway.calls import events as e
from gateway.clock import now
from gateway.errors import SwitchError
from gateway.telephony.ami_port import Ami
from gateway.telephony.port import Sighting
from gateway.telephony.reconcile import ChannelSeen, Snapshot
from gateway.telephony.seats import Seats

_NOT_PEOPLE = ("Local/", "AudioSocket/")
_ROOM_APPLICATION = "ConfBridge"


async def strangers(
    ami: Ami, seen: Snapshot, known: set[str], seats: Seats, message_status: e.MessageStatus
) -> list[Sighting]:
    """Sightings that tell of every call in `seen` whose channels are not in `known`."""
    found: list[Sighting] = []
    for row in seen.values():
        if row.unique_id in known or row.channel.startswith(_NOT_PEOPLE):
            continue
        with contextlib.suppress(SwitchError):  # gone meanwhile
            if await _variable(ami, row, "LD_CALLER") == row.channel:
                found += await _call(ami, row, seen, seats, message_status)
    return found


async def _call(
    ami: Ami, caller: ChannelSeen, seen: Snapshot, seats: Seats, message_status: e.MessageStatus
) -> list[Sighting]:
    room = await _variable(ami, caller, "LD_CALL")
    centre = await _variable(ami, caller, "LD_CENTRE")
    arrived = e.CallArrived(
        now(),
        room=room,
        channel=caller.channel,
        unique_id=caller.unique_id,
        caller_number=await _variable(ami, caller, "LD_NUMBER"),
        called_number=centre,
        centre=centre,
        recording=f"{room}.wav",
        message_status=message_status,
    )
    sightings = [Sighting(arrived, room=room)]
    agents = list(_agents(caller, seen.values()))
    for agent in agents:
        party = seats.of_channel(agent.channel)
        connected = e.AgentConnected(now(), agent.channel, agent.unique_id, party)
        sightings.append(Sighting(connected, room=room))
    if caller.application == _ROOM_APPLICATION:
        joined = [e.RoomJoined(now(), one.unique_id, one.channel) for one in (caller, *agents)]
        sightings += [Sighting(event, room=room) for event in joined]
    return sightings


def _agents(caller: ChannelSeen, rows: Iterable[ChannelSeen]) -> Iterator[ChannelSeen]:
    """Phones that are with the caller: in the same bridge, or behind a Local leg that is."""
    if not caller.bridge:
        return
    everyone = list(rows)
    for row in everyone:
        if row.bridge != caller.bridge or row.unique_id == caller.unique_id:
            continue
        if not row.channel.startswith("Local/"):
            yield row
            continue
        far_end = row.channel.removesuffix(";1") + ";2"
        bridges = {one.bridge for one in everyone if one.channel == far_end and one.bridge}
        yield from (
            one
            for one in everyone
            if one.bridge in bridges and not one.channel.startswith(_NOT_PEOPLE)
        )


async def _variable(ami: Ami, row: ChannelSeen, name: str) -> str:
    reply = await ami.send("Getvar", {"Channel": row.unique_id, "Variable": name})
    return reply.get("Value")
