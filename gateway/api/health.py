"""Is it well? Openly one word, with a token the details."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from gateway.api.auth import need
from gateway.api.problems import documented
from gateway.api.rights import Right
from gateway.api.schemas import AliveOut, ComponentOut, HealthOut
from gateway.api.services import Inject
from gateway.calls.port import Actor

router = APIRouter(tags=["operation"])


@router.get("/healthz", summary="Alive and well?", responses={503: {"model": AliveOut}})
async def healthz(services: Inject, response: Response) -> AliveOut:
    """Open to everyone; says no more than ok or not ok (503)."""
    well = all(component.ok for component in await services.health.components())
    response.status_code = 200 if well else 503
    return AliveOut(status="ok" if well else "not ok")


@router.get("/api/v1/health", summary="Health by component", responses=documented(401, 403))
async def health(services: Inject, _: Annotated[Actor, Depends(need(Right.HEALTH))]) -> HealthOut:
    """Always 200: `ok` and `components` say how things stand."""
    components = await services.health.components()
    return HealthOut(
        ok=all(component.ok for component in components),
        components=[ComponentOut(name=c.name, ok=c.ok, detail=c.detail) for c in components],
        live_pages=services.live_pages,
    )
