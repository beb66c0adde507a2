"""The verbs of a call: what the operator's keys do, by REST."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header

from gateway.api import present
from gateway.api import schemas as s
from gateway.api.auth import need
from gateway.api.idempotency import check_key
from gateway.api.problems import documented
from gateway.api.rights import Right, may_act, may_see
from gateway.api.routes_calls import Viewer, find_own
from gateway.api.services import Inject
from gateway.calls.port import Actor, TransferOrder
from gateway.errors import CallNotFound

router = APIRouter(
    prefix="/api/v1/calls/{call_id}",
    tags=["verbs"],
    responses=documented(401, 403, 404, 409, 422, 502, 503, 504),
)
Operator = Annotated[Actor, Depends(need(Right.ACT))]


@router.get("/verbs", summary="What can be done now")
async def verbs(services: Inject, actor: Viewer, call_id: str) -> s.VerbsOut:
    """The verbs that would be accepted at this moment, with the phone keys that do the same."""
    call = services.control.call(call_id)
    if not may_see(actor, call):
        raise CallNotFound(f"no call {call_id}")
    legal = services.control.legal(call_id)
    return s.VerbsOut(
        call_id=call_id,
        may_act=may_act(actor, call),
        verbs=[s.VerbOut(verb=v.verb, target=v.target, key=v.key) for v in legal],
    )


@router.post("/transfers", status_code=202, summary="Transfer", responses=documented(400))
async def transfer(
    services: Inject,
    actor: Operator,
    call_id: str,
    body: s.TransferIn,
    idempotency_key: Annotated[
        str | None, Header(max_length=255, description="New for each transfer; needed (400).")
    ] = None,
) -> s.TransferOut:
    """Bring the target centre into the call. Accepted means under way: watch its state.

    A repeat with the same Idempotency-Key gets the first answer; with another body 422; while the
    first is still being worked on 409. `designation-needed` (409): the call has been handed over so
    often that a supervisor has to say whose it is; nothing rings.
    """
    key = f"{actor.name}:{check_key(idempotency_key)}"
    find_own(services, call_id, actor)
    order = TransferOrder(body.target, body.kind, key)

    async def act() -> s.TransferOut:
        return present.transfer_out(await services.control.transfer(call_id, order, actor))

    return await services.transfers.run(key, f"{call_id} {body.model_dump_json()}", act)


@router.post("/back", summary="Back to the caller")
async def back(services: Inject, actor: Operator, call_id: str) -> s.CallOut:
    """End the target's leg; the operator stays with the caller."""
    find_own(services, call_id, actor)
    return present.call_out(await services.control.back(call_id, actor), actor)


@router.post("/join", summary="Make three of a consultation")
async def join(services: Inject, actor: Operator, call_id: str) -> s.CallOut:
    """The operator and whom they consult go to the caller: all three talk."""
    find_own(services, call_id, actor)
    return present.call_out(await services.control.join(call_id, actor), actor)


@router.post("/drop", summary="Let one party go")
async def drop(services: Inject, actor: Operator, call_id: str, body: s.DropIn) -> s.CallOut:
    """End another party's leg: never the caller's, and the operator stays with the caller."""
    find_own(services, call_id, actor)
    return present.call_out(await services.control.drop(call_id, body.leg_id, actor), actor)


@router.post("/danger", summary="Mark danger")
async def danger(services: Inject, actor: Operator, call_id: str, body: s.DangerIn) -> s.CallOut:
    """Say whether life, property or public safety is in danger now (D05).

    While it is, 110 is rung at the head of its queue, with a ring of its own.
    """
    find_own(services, call_id, actor)
    return present.call_out(await services.control.mark(call_id, body.danger, actor), actor)


@router.post("/release", summary="Leave the call")
async def release(services: Inject, actor: Operator, call_id: str) -> s.CallOut:
    """Let the operator's leg go, once the person at the target has answered."""
    find_own(services, call_id, actor)
    return present.call_out(await services.control.release(call_id, actor), actor)


@router.post("/ownership", summary="Settle whose matter it is")
async def settle(services: Inject, actor: Operator, call_id: str, body: s.SettleIn) -> s.CallOut:
    """What a three-way came to (D03); without a centre: undecided, the first one accepts (D04)."""
    find_own(services, call_id, actor)
    return present.call_out(await services.control.settle(call_id, body.centre, actor), actor)


@router.post("/designation", summary="Designate who accepts")
async def designate(
    services: Inject,
    actor: Annotated[Actor, Depends(need(Right.DESIGNATE))],
    call_id: str,
    body: s.DesignateIn,
) -> s.CallOut:
    """The third hand-over does not ring until a supervisor has said which centre accepts."""
    made = await services.control.designate(call_id, body.centre, body.reason, actor)
    return present.call_out(made, actor)
