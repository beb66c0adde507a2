"""A caller who has gone while nobody had them is to be called back. Pure."""

from gateway.calls import facts as f
from gateway.calls.facts import CallbackReason
from gateway.calls.step import Step


def call_back(step: Step) -> None:
    """The caller has gone: a task, if the target only rang, or they were on hold or in a queue."""
    state = step.state
    transfer = state.transfer
    if transfer and transfer.live and (not transfer.answered or state.on_hold):
        why, centre = CallbackReason.CALLER_GONE, transfer.source
    elif state.forsaken and not state.staying:
        why, centre = CallbackReason.QUEUE_LEFT, state.centre
    else:
        return
    step.record(
        f.CallbackDue(
            call_id=state.call_id,
            at=step.at,
            centre=centre,
            why=why,
            transfer_id=transfer.id if transfer else "",
            target=transfer.target if transfer else "",
            danger=state.danger,
        )
    )
