"""Is anybody there? What a target shows of itself before a person answers. Pure.

A phone that is called and a phone that rings are two things: a trunk whose other end has just died
is called like any other, and never says a word.
"""

from gateway.calls.events import Deadline
from gateway.calls.facts import FailureReason, TransferState
from gateway.calls.state import Transfer
from gateway.calls.step import Step

LAST_ALIVE_S = 12.0
"""How long the last place may be silent, at least: with nobody else to ring, a slow carrier is
waited for (ITU-T E.721 allows 11 s from the last digit to the ringing tone)."""


def tried(step: Step, transfer: Transfer) -> None:
    """A phone is called: unless the place has shown life already, it has a while to do so."""
    transfer = step.set_transfer(transfer, phones=transfer.phones + 1)
    if may_be_given_up(transfer):
        step.arm(Deadline.ALIVE, transfer.leg_id, alive_within_s(transfer))


def ringing(step: Step, transfer: Transfer) -> None:
    """The place shows life."""
    transfer = step.set_transfer(transfer, phones=max(1, transfer.phones))
    if transfer.state is TransferState.REQUESTED:
        step.move_transfer(transfer, TransferState.RINGING)


def may_be_given_up(transfer: Transfer) -> bool:
    """Whether what is called has shown no life, and is held to do so in time.

    A queue of this switch is not: it goes from phone to phone by itself.
    """
    held_to_it = transfer.answered_by != "agent" and transfer.rules.alive_s > 0
    silent = transfer.state is TransferState.REQUESTED and not transfer.joined
    return held_to_it and silent and transfer.phones > 0


def alive_within_s(transfer: Transfer) -> float:
    """Seconds from the call to the first sign of life."""
    rules = transfer.rules
    is_last = transfer.tried + 1 >= len(rules.places)
    return max(rules.alive_s, LAST_ALIVE_S) if is_last else rules.alive_s


def why(transfer: Transfer) -> FailureReason:
    """Why nobody answered: refused only if every phone refused, else somebody let it ring.

    Of what the dialplan rang by itself no more is known than that nobody answered.
    """
    if transfer.native:
        return FailureReason.NO_ANSWER
    if transfer.phones == 0:
        return FailureReason.UNREACHABLE
    if len(transfer.refusals) < transfer.phones:
        return FailureReason.NO_ANSWER
    telling = (FailureReason.REJECTED, FailureReason.BUSY, FailureReason.UNREACHABLE)
    return next((one for one in telling if one in transfer.refusals), FailureReason.NO_ANSWER)
