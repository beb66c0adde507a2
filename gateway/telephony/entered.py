"""Since when people are in a room, where nobody of ours saw them come: the dialplan's mark says."""

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from gateway.calls.state import CallState
from gateway.clock import now
from gateway.errors import SwitchError
from gateway.telephony.ami_port import Ami
from gateway.telephony.reconcile import ChannelSeen, Snapshot
from gateway.telephony.untrusted import stamp_of

_TAPS, _TARGETS = "AudioSocket/", "Local/"


async def with_entered(ami: Ami, states: Iterable[CallState], seen: Snapshot) -> Snapshot:
    """`seen`, with the moment of entering for those whom no state knows in a room.

    A dialplan of before that mark leaves it unknown.
    """
    legs = [leg for state in states for leg in (*state.agents, state.caller) if leg]
    known = {leg.handle for leg in legs if leg.in_room or leg.aside}
    return {
        unique_id: row if unique_id in known else await _marked(ami, row)
        for unique_id, row in seen.items()
    }


async def _marked(ami: Ami, row: ChannelSeen) -> ChannelSeen:
    if row.channel.startswith(_TAPS) or not (row.in_room or row.aside):
        return row
    entered = await marked_at(ami, row.unique_id, "LD_ENTERED")
    is_phone = not row.channel.startswith(_TARGETS)
    asked = None if is_phone else await marked_at(ami, row.unique_id, "LD_ASKED")
    return replace(row, entered=entered, asked=asked)


async def marked_at(ami: Ami, channel: str, variable: str) -> datetime | None:
    """The moment in a channel's variable, by our clock and never to come; None: there is none."""
    with contextlib.suppress(SwitchError):  # gone meanwhile
        reply = await ami.send("Getvar", {"Channel": channel, "Variable": variable})
        if stamp := stamp_of(reply.get("Value")):
            return min(datetime.fromtimestamp(stamp - ami.clock_offset_s, UTC), now())
    return None
