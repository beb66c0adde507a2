"""Since when people are in a room, where nobody of ours saw them come: the dialplan's marks say."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gateway.calls.state import CallState
from gateway.clock import now
from gateway.errors import SwitchRefused, SwitchTimeout
from gateway.telephony.ami_port import Ami
from gateway.telephony.reconcile import LOCAL, ChannelSeen, Snapshot, variable_of
from gateway.telephony.untrusted import stamp_of, target_of

_READ_WITHIN_S = 1.0
"""Whoever has not been asked by then is taken to have come just now."""


@dataclass(frozen=True)
class Mark:
    """What the dialplan has noted of one channel's way into its room."""

    room: str
    entered: datetime | None
    asked: datetime | None = None
    asker: str = ""
    """Of a target that it rang by itself: the centre of whoever pressed the key."""


Marks = Mapping[str, Mark]
"""By unique id."""


async def marks_of(ami: Ami, states: Iterable[CallState], seen: Snapshot) -> Marks:
    """The marks of those in our rooms whom no state knows there. Raises SwitchUnreachable.

    A dialplan of before the marks leaves them out. They take a moment to read: see `with_marks`.
    """
    legs = [leg for state in states for leg in (*state.agents, state.caller) if leg]
    known = {(leg.handle, leg.in_room, leg.aside) for leg in legs}
    wanted = [
        row
        for row in seen.values()
        if row.in_our_room and (row.unique_id, row.in_room, row.aside) not in known
    ]
    marks: dict[str, Mark] = {}
    with contextlib.suppress(TimeoutError, SwitchTimeout):
        async with asyncio.timeout(_READ_WITHIN_S):
            for row in wanted:
                marks[row.unique_id] = await _mark(ami, row)
    return marks


def with_marks(seen: Snapshot, marks: Marks) -> Snapshot:
    """A list of channels that was asked for after `marks`, with those that still hold."""
    return {
        row.unique_id: replace(row, entered=mark.entered, asked=mark.asked, asker=mark.asker)
        if (mark := marks.get(row.unique_id)) and mark.room == row.room
        else row
        for row in seen.values()
    }


async def _mark(ami: Ami, row: ChannelSeen) -> Mark:
    entered = await marked_at(ami, row.unique_id, "LD_ENTERED")
    if not row.channel.startswith(LOCAL):
        return Mark(row.room, entered)
    asked = await marked_at(ami, row.unique_id, "LD_ASKED")
    asker = target_of(await _variable(ami, row.unique_id, "LD_PEER"))
    return Mark(row.room, entered, asked, asker or "")


async def marked_at(ami: Ami, channel: str, variable: str) -> datetime | None:
    """The moment in a channel's variable, by our clock and never to come; None: there is none."""
    stamp = stamp_of(await _variable(ami, channel, variable))
    if not stamp:
        return None
    return min(datetime.fromtimestamp(stamp - ami.clock_offset_s, UTC), now())


async def _variable(ami: Ami, channel: str, name: str) -> str:
    with contextlib.suppress(SwitchRefused):  # gone meanwhile
        return await variable_of(ami, channel, name)
    return ""
