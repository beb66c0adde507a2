"""Calls that came in while no gateway was there: found on the switch and taken in.

Our dialplan has marked their channels; the marks are read back one caller at a time.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

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
    asker_of,
    bridged_with,
    native_key,
    operator_came,
    phones_of,
    since,
    target_came,
    variable_of,
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
            if await variable_of(ami, row.unique_id, "LD_CALLER") == row.channel:
                found += await _call(ami, row, seen, seats, message_status)
    return found


async def _call(
    ami: Ami, caller: ChannelSeen, seen: Snapshot, seats: Seats, message_status: e.MessageStatus
) -> list[Sighting]:
    room = room_of(await variable_of(ami, caller.unique_id, "LD_CALL"))
    if not room:
        return []
    centre = await variable_of(ami, caller.unique_id, "LD_CENTRE")
    consults = await variable_of(ami, caller.unique_id, "SHARED(LD_ASIDE)")
    beside = [row for row in seen.values() if row.aside and row.channel == consults]
    beside += bridged_with(caller, seen.values())
    marks = [row.entered for row in (caller, *beside) if row.entered]
    arrived = e.CallArrived(
        await marked_at(ami, caller.unique_id, "LD_BEGAN") or min(marks, default=now()),
        room=room,
        channel=caller.channel,
        unique_id=caller.unique_id,
        caller_number=number_of(await variable_of(ami, caller.unique_id, "LD_NUMBER")),
        called_number=centre,
        centre=centre,
        recording=f"{room}.wav",
        message_status=message_status,
        handovers=hops_of(await variable_of(ami, caller.unique_id, "LD_HOPS")),
    )
    events = _people(caller, beside, seen, seats, centre)
    later = [replace(event, at=max(event.at, arrived.at)) for event in events]
    told = [arrived, *sorted(later, key=lambda event: event.at)]
    return [Sighting(event, room=room) for event in told]


def _people(
    caller: ChannelSeen, beside: list[ChannelSeen], seen: Snapshot, seats: Seats, centre: str
) -> Iterator[e.Event]:
    """Whoever is with the caller. When an operator took the call, nobody has noted."""
    operators = {
        row.unique_id: seats.of_channel(row.channel).centre or centre
        for row in beside
        if not row.channel.startswith(NOT_PEOPLE)
    }
    for row in beside:
        phones = phones_of(row, seen.values())
        asker = asker_of(row, operators) if caller.in_room and phones else ""
        if asker and (key := native_key(row, asker)):
            yield key
            yield target_came(row, phones, seats)
            continue
        for phone in phones:
            yield from operator_came(row, phone, seats, in_room=caller.in_room, late=True)
            if row.aside:
                yield e.RoomJoined(since(row), phone.unique_id, phone.channel, True)
    if caller.in_room:
        yield e.RoomJoined(since(caller), caller.unique_id, caller.channel)
