"""Calls, what was said on them and what is proposed."""

from typing import Annotated

from fastapi import APIRouter, Depends

from gateway.api import present
from gateway.api import schemas as s
from gateway.api.auth import need
from gateway.api.problems import documented
from gateway.api.rights import Right, has, may_act, may_see
from gateway.api.services import Inject, Services
from gateway.calls.port import Actor
from gateway.calls.view import CallView
from gateway.errors import CallNotFound, IllegalVerb, NotAllowed

router = APIRouter(
    prefix="/api/v1/calls", tags=["calls"], responses=documented(401, 403, 404, 422, 503)
)
Viewer = Annotated[Actor, Depends(need(Right.CALLS_OWN, Right.CALLS_ALL))]


async def find(services: Services, call_id: str, actor: Actor) -> CallView:
    """Return a live or past call. To those who may not see it, it does not exist.

    Raises CallNotFound. Answers to a token with numbers.clear are audited here.
    """
    try:
        call: CallView | None = services.control.call(call_id)
    except CallNotFound:
        call = await services.ledger.call(call_id)
    if call is None or not may_see(actor, call):
        raise CallNotFound(f"no call {call_id}")
    if has(actor, Right.NUMBERS_CLEAR):
        await services.ledger.audit(actor.name, "numbers.clear", call_id, "call")
    return call


def find_own(services: Services, call_id: str, actor: Actor) -> CallView:
    """Return a live call on which the actor's own seat is. Never waits for the record.

    Raises CallNotFound, NotAllowed.
    """
    call = services.control.call(call_id)
    if not may_see(actor, call):
        raise CallNotFound(f"no call {call_id}")
    if not may_act(actor, call):
        raise NotAllowed("your seat is not on this call now")
    return call


@router.get("", summary="Live calls")
async def calls(services: Inject, actor: Viewer) -> list[s.CallSummary]:
    """Oldest first, then those ended in the last minutes. Operators see their own."""
    seen = [call for call in services.control.calls() if may_see(actor, call)]
    if seen and has(actor, Right.NUMBERS_CLEAR):
        await services.ledger.audit(actor.name, "numbers.clear", "*", f"{len(seen)} calls")
    return [present.summary(call, actor) for call in seen]


@router.get("/{call_id}", summary="One call")
async def call(services: Inject, actor: Viewer, call_id: str) -> s.CallOut:
    """Legs, transfers and ticket state; past calls come from the record."""
    return present.call_out(await find(services, call_id, actor), actor)


@router.get("/{call_id}/transcript", summary="What was said")
async def transcript(services: Inject, actor: Viewer, call_id: str) -> s.TranscriptOut:
    """Final utterances by time, and the gaps in which nothing was heard."""
    return present.transcript(await find(services, call_id, actor), actor)


@router.get("/{call_id}/suggestion", summary="What is proposed")
async def suggestion(services: Inject, actor: Viewer, call_id: str) -> s.SuggestionOut:
    """Evidence spans count code points, `[start, end)`, of the utterance's text."""
    return present.suggestion(await find(services, call_id, actor), actor)


@router.post(
    "/{call_id}/suggestion/decision", summary="Decide on a suggestion", responses=documented(409)
)
async def decide(
    services: Inject,
    actor: Annotated[Actor, Depends(need(Right.ACT))],
    call_id: str,
    body: s.DecisionIn,
) -> s.SuggestionOut:
    """Accept, change or ignore. Only the suggestion that is shown now can be decided (409)."""
    made = find_own(services, call_id, actor).suggestion
    if made is None or made.suggestion_id != body.suggestion_id:
        raise IllegalVerb("the suggestion has changed; look at the new one first")
    changed = body.decision == "changed"
    decided = await services.control.decide(
        call_id,
        body.suggestion_id,
        body.decision,
        body.platform if changed and body.platform else made.platform,
        body.item if changed else made.item,
        actor,
    )
    return present.suggestion(decided, actor)


@router.post("/{call_id}/reveal", summary="See the caller's number")
async def reveal(
    services: Inject,
    actor: Annotated[Actor, Depends(need(Right.REVEAL))],
    call_id: str,
    body: s.RevealIn,
) -> s.RevealOut:
    """Supervisors on any call, operators on the call they are on. Audited first, then shown."""
    found = await find(services, call_id, actor)
    if not present.may_reveal(actor, found):
        raise NotAllowed("your seat is not on this call now")
    await services.ledger.audit(actor.name, "numbers.reveal", call_id, body.reason)
    return s.RevealOut(call_id=call_id, caller_number=found.caller_number)
