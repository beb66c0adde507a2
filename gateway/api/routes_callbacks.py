"""Whom to call back: callers who have gone while nobody had them."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from gateway.api.auth import need
from gateway.api.problems import documented
from gateway.api.rights import Right, has
from gateway.api.schemas import MASKED, RevealIn
from gateway.api.services import Inject, Services
from gateway.calls.callback_task import CallbackEntry, CallbackState, Hand
from gateway.calls.facts import CallbackDone, CallbackOutcome, CallbackTaken
from gateway.calls.port import Actor
from gateway.errors import CallbackNotFound, NotAllowed
from gateway.masking import mask_number, mask_text

router = APIRouter(
    prefix="/api/v1/callbacks", tags=["callbacks"], responses=documented(401, 403, 404, 422, 503)
)
Reader = Annotated[Actor, Depends(need(Right.CALLBACKS))]
Doer = Annotated[Actor, Depends(need(Right.CALLBACKS_DO))]
_STATES: dict[str, Sequence[CallbackState]] = {
    "waiting": ("open", "taken"),
    "open": ("open",),
    "taken": ("taken",),
    "done": ("done",),
}


class CallbackOut(CallbackEntry):
    """A task and what is known of its call."""

    number: str = Field(description="CB-centre-day-number.")
    centre: str = Field(description="Whose task it is: the centre that had the caller last.")
    target: str = Field(description="The centre that was being rung, or had been.")
    caller_number: str = Field(description=MASKED)
    last_words: str | None = Field(description="The caller's last sentence, numbers masked.")
    mine: bool = Field(description="You have taken it.")
    may_take: bool
    may_reveal: bool


class CallbacksOut(BaseModel):
    callbacks: list[CallbackOut] = Field(description="Danger first, then the longest waiting.")


class DoneIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    outcome: CallbackOutcome
    note: str = Field(default="", max_length=200, description="Kept in the record.")


class CallbackRevealOut(BaseModel):
    number: str
    caller_number: str


@router.get("", summary="Whom to call back")
async def callbacks(
    services: Inject,
    actor: Reader,
    state: Literal["waiting", "open", "taken", "done"] = "waiting",
    centre: Annotated[str, Query(pattern=r"^[0-9]{0,12}$", description="Empty: all.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> CallbacksOut:
    """Operators see those of their own seat's centre."""
    own = _own_centre(services, actor)
    if own is not None and centre not in ("", own):
        return CallbacksOut(callbacks=[])
    if own == "":
        return CallbacksOut(callbacks=[])
    found = await services.ledger.callbacks(_STATES[state], own or centre, limit)
    if found and has(actor, Right.NUMBERS_CLEAR):
        await services.ledger.audit(actor.name, "numbers.clear", "*", f"{len(found)} call-backs")
    return CallbacksOut(callbacks=[_out(one, actor) for one in found])


@router.post("/{number}/take", summary="Take one", responses=documented(409))
async def take(services: Inject, actor: Doer, number: str) -> CallbackOut:
    """From now on it is yours: of two who take it one gets 409. A supervisor takes it over."""
    await _find(services, actor, number)
    return await _tell(
        services, actor, await services.ledger.take_callback(number, _hand(actor)), number
    )


@router.post("/{number}/done", summary="Say what came of it", responses=documented(409))
async def done(services: Inject, actor: Doer, number: str, body: DoneIn) -> CallbackOut:
    """Only who has taken it (409), or a supervisor."""
    await _find(services, actor, number)
    ended = await services.ledger.finish_callback(number, _hand(actor), body.outcome, body.note)
    return await _tell(services, actor, ended, number)


@router.post("/{number}/reveal", summary="See the number to call")
async def reveal(
    services: Inject,
    actor: Annotated[Actor, Depends(need(Right.REVEAL))],
    number: str,
    body: RevealIn,
) -> CallbackRevealOut:
    """Operators of the task they have taken, supervisors of any. Audited first, then shown."""
    found = await _find(services, actor, number)
    if not _may_reveal(found, actor):
        raise NotAllowed("take the call-back first")
    await services.ledger.audit(actor.name, "numbers.reveal", number, body.reason)
    return CallbackRevealOut(number=number, caller_number=found.caller_number)


async def _find(services: Services, actor: Actor, number: str) -> CallbackEntry:
    """Return the task; to those who may not see it, it does not exist."""
    found = await services.ledger.callback(number)
    if _own_centre(services, actor) not in (None, found.centre):
        raise CallbackNotFound(f"no call-back {number}")
    return found


async def _tell(
    services: Services, actor: Actor, fact: CallbackTaken | CallbackDone | None, number: str
) -> CallbackOut:
    """Let pages and the ticket follow what the record has taken."""
    if fact is not None:
        call = await services.ledger.call(fact.call_id)
        if call is not None:
            services.control.tell(fact, call)
    return _out(await services.ledger.callback(number), actor)


def _own_centre(services: Services, actor: Actor) -> str | None:
    """The centre of an operator's seat; None: the actor may see every centre's."""
    if has(actor, Right.CALLS_ALL):
        return None
    seats = services.settings.seats
    return next((seat.centre for seat in seats if seat.agent == actor.agent), "")


def _hand(actor: Actor) -> Hand:
    return Hand(actor.agent or actor.name, any_task=has(actor, Right.CALLS_ALL))


def _may_reveal(task: CallbackEntry, actor: Actor) -> bool:
    mine = task.state == "taken" and task.taken_by == _hand(actor).name
    return has(actor, Right.REVEAL) and (mine or has(actor, Right.CALLS_ALL))


def _out(task: CallbackEntry, actor: Actor) -> CallbackOut:
    shown = task.model_dump()
    if not has(actor, Right.NUMBERS_CLEAR):
        shown["caller_number"] = mask_number(task.caller_number)
        shown["last_words"] = mask_text(task.last_words or "") or None
        shown["note"] = mask_text(task.note)
    hand = _hand(actor)
    mine = task.state == "taken" and task.taken_by == hand.name
    free = task.state == "open" or (task.state == "taken" and hand.any_task and not mine)
    return CallbackOut(
        **shown,
        mine=mine,
        may_take=free and has(actor, Right.CALLBACKS_DO),
        may_reveal=_may_reveal(task, actor),
    )
