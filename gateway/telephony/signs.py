"""Signs of persons behind a trunk (`answered_by = "sign"`), given while nobody listened."""

import contextlib
from collections.abc import Iterable

from gateway.calls import events as e
from gateway.calls.state import CallState, Transfer
from gateway.clock import now
from gateway.errors import SwitchError
from gateway.telephony.ami_port import Ami
from gateway.telephony.port import Sighting
from gateway.telephony.reconcile import FAR_END, Snapshot, bridged_with, variable_of
from gateway.telephony.seats import Seats


async def signed_unseen(
    ami: Ami, states: Iterable[CallState], seen: Snapshot, seats: Seats
) -> list[Sighting]:
    """The dialplan leaves a mark on the target's leg: read it where a transfer waits for one."""
    found: list[Sighting] = []
    for transfer in [state.transfer for state in states]:
        if transfer is None or not _waits(transfer) or transfer.leg_id not in seen:
            continue
        with contextlib.suppress(SwitchError):  # gone meanwhile
            if await variable_of(ami, transfer.leg_id, "LD_SIGNED") == "1":
                found.append(_sighting(transfer, seen, seats))
    return found


def _waits(transfer: Transfer) -> bool:
    return transfer.live and not transfer.answered and transfer.answered_by == "sign"


def _sighting(transfer: Transfer, seen: Snapshot, seats: Seats) -> Sighting:
    far = seen.get(transfer.leg_id + FAR_END)
    beyond = bridged_with(far, seen.values()) if far else []
    row = beyond[0] if beyond else seen[transfer.leg_id]
    answered = e.TargetAnswered(
        now(),
        transfer.leg_id,
        row.channel,
        row.unique_id,
        seats.of_channel(row.channel),
        by_agent=False,
        by_sign=True,
        late=True,
    )
    return Sighting(answered, unique_id=transfer.leg_id)
