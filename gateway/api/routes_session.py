"""Logging in and out on the page."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from gateway.api.auth import Gatekeeper, address, current_actor, rights_of
from gateway.api.problems import documented
from gateway.api.schemas import LogIn, SessionOut
from gateway.api.services import Inject
from gateway.api.sessions import COOKIE, LIFETIME_S
from gateway.calls.port import Actor

router = APIRouter(prefix="/api/v1/session", tags=["session"], responses=documented(401, 422))


@router.post("", status_code=201, summary="Log in", responses=documented(429))
async def log_in(services: Inject, request: Request, response: Response, body: LogIn) -> SessionOut:
    """Trade a token for a session cookie (HttpOnly, SameSite=Strict), good for one shift."""
    gatekeeper: Gatekeeper = services.gatekeeper
    actor = gatekeeper.by_token(body.token, address(request))
    response.set_cookie(
        COOKIE,
        gatekeeper.sessions.open(actor.name),
        max_age=LIFETIME_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return _session(actor)


@router.get("", summary="Who am I")
async def who(actor: Annotated[Actor, Depends(current_actor)]) -> SessionOut:
    """The token's name, role, seat and rights."""
    return _session(actor)


@router.delete(
    "",
    status_code=204,
    summary="Log out",
    dependencies=[Depends(current_actor)],
    responses=documented(403),
)
async def log_out(services: Inject, request: Request, response: Response) -> None:
    """End the session; its cookie is worthless from then on."""
    services.gatekeeper.sessions.end(request.cookies.get(COOKIE, ""))
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")


def _session(actor: Actor) -> SessionOut:
    return SessionOut(
        name=actor.name, role=actor.role, agent=actor.agent, rights=[*rights_of(actor)]
    )
