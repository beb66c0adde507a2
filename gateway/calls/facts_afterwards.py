"""Facts of what is left to people: whose call it is, and whom to call back."""

from enum import StrEnum
from typing import Literal

from gateway.calls.fact_base import FactBase


class CallbackReason(StrEnum):
    """Why a caller is to be called back."""

    CALLER_GONE = "caller_gone"
    """They hung up while the target rang, or on hold while they were consulted about."""
    QUEUE_LEFT = "queue_left"
    """They had been served, waited again because nobody had them any more, and gave up."""


class CallbackOutcome(StrEnum):
    REACHED = "reached"
    NOT_REACHED = "not_reached"
    NOT_NEEDED = "not_needed"
    """They have called again, or it was taken care of otherwise."""


class DesignationAsked(FactBase):
    """A hand-over too many: nothing rings until a supervisor has said whose call it is (D04)."""

    kind: Literal["designation.asked"] = "designation.asked"
    ref: str
    source: str
    target: str
    leg_id: str
    """The operator who asked, and still has the caller."""
    agent: str = ""
    hop: int
    """The how-manieth hand-over it would have been."""


class OwnershipDesignated(FactBase):
    """A supervisor has said which centre accepts."""

    kind: Literal["ownership.designated"] = "ownership.designated"
    centre: str
    by: str
    reason: str = ""


class OwnershipSettled(FactBase):
    """What became of a three-way about whose matter it is (D03)."""

    kind: Literal["ownership.settled"] = "ownership.settled"
    centre: str
    how: Literal["accepted", "first_answer"]
    """`first_answer`: undecided, so the centre that answered first accepts (首接负责, D04)."""
    transfer_id: str
    by: str = ""
    """Who wrote it down; '': nobody did until the call ended."""


class CallbackDue(FactBase):
    """The caller has gone while nobody had them: somebody is to call them back."""

    kind: Literal["callback.due"] = "callback.due"
    centre: str
    """Whose task it is: the centre that had the caller last."""
    why: CallbackReason
    transfer_id: str = ""
    target: str = ""
    """The centre that was being rung, or had been."""
    danger: bool = False


class CallbackOpened(FactBase):
    """The task has got its number."""

    kind: Literal["callback.opened"] = "callback.opened"
    number: str


class CallbackTaken(FactBase):
    kind: Literal["callback.taken"] = "callback.taken"
    number: str
    by: str


class CallbackDone(FactBase):
    kind: Literal["callback.done"] = "callback.done"
    number: str
    by: str
    outcome: CallbackOutcome
    note: str = ""
