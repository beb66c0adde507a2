"""Calls that came in while no gateway was there: found on the switch and taken in.

Our dialplan has marked their channels; the marks are read back one caller at a time.
"""

import contextlib

from gateway.calls import events as e
from gateway.clock import now
from gateway.errors import SwitchError
from gateway.telephony.ami_port import Ami
from gateway.telephony.entered import marked_at
from gateway.telephony.port import Sighting
from gateway.telephony.reconcile import (
    NOT_PEOPLE,
    ChannelSeen,
    Snapshot,
    bridged_with,
    phones_of,
)
from gateway.telephony.seats import Seats
from gateway.telephony.untrusted import hops_of, number_of, room_of


async def strangers(
    ami: Ami, seen: Snapshot, known: set[str], seats: Seats, message_status: e.MessageStatus
) -> list[Sighting]:
    """Sightings that tell of every call in `seen` whose channels are not in `known`."""
    found: list[Sighting] = []
    for row in seen.values():
        if row.unique_id in known or row.channel.startswith(NOT_PEOPLE):
            continue
        with contextlib.suppress(SwitchError):  # gone meanwhile
            if await _variable(ami, row, "LD_CALLER") == row.channel:
                found += await _call(ami, row, seen, seats, message_status)
    return found


async def _call(
    ami: Ami, caller: ChannelSeen, seen: Snapshot, seats: Seats, message_status: e.MessageStatus
) -> list[Sighting]:
    room = room_of(await _variable(ami, caller, "LD_CALL"))
    if not room:
        return []
    centre = await _variable(ami, caller, "LD_CENTRE")
    arrived = e.CallArrived(
        await marked_at(ami, caller.unique_id, "LD_BEGAN") or now(),
        room=room,
        channel=caller.channel,
        unique_id=caller.unique_id,
        caller_number=number_of(await _variable(ami, caller, "LD_NUMBER")),
        called_number=centre,
        centre=centre,
        recording=f"{room}.wav",
        message_status=message_status,
        handovers=hops_of(await _variable(ami, caller, "LD_HOPS")),
    )
    sightings = [Sighting(arrived, room=room)]
    consults = await _variable(ami, caller, "SHARED(LD_ASIDE)")
    beside = [row for row in seen.values() if row.aside and row.channel == consults]
    beside += bridged_with(caller, seen.values())
    agents = [phone for row in beside for phone in phones_of(row, seen.values())]
    for agent in agents:
        party = seats.of_channel(agent.channel)
        at = agent.entered or now()  # of those who were beside the caller before that, the latest
        connected = e.AgentConnected(at, agent.channel, agent.unique_id, party, late=True)
        sightings.append(Sighting(connected, room=room))
    if caller.in_room:
        joined = [
            e.RoomJoined(one.entered or now(), one.unique_id, one.channel)
            for one in (caller, *agents)
        ]
        sightings += [Sighting(event, room=room) for event in joined]
    aside = [
        e.RoomJoined(one.entered or now(), one.unique_id, one.channel, True)
        for one in agents
        if one.aside
    ]
    sightings += [Sighting(event, room=room) for event in aside]
    return sorted(sightings, key=lambda sighting: sighting.event.at)


async def _variable(ami: Ami, row: ChannelSeen, name: str) -> str:
    reply = await ami.send("Getvar", {"Channel": row.unique_id, "Variable": name})
    return reply.get("Value")
