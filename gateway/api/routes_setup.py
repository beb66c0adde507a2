"""What the page needs to know beforehand: links, keys, seats and classes."""

import contextlib

from fastapi import APIRouter, Depends

from gateway.api import schemas as s
from gateway.api.auth import need
from gateway.api.problems import documented
from gateway.api.rights import Right
from gateway.api.services import Inject
from gateway.dispatch import taxonomy
from gateway.errors import AdviceNotReady

router = APIRouter(
    prefix="/api/v1",
    tags=["setup"],
    dependencies=[Depends(need(Right.SETUP))],
    responses=documented(401, 403),
)


@router.get("/links", summary="Centres, links and keys")
async def links(services: Inject) -> s.LinksOut:
    """Who can hand calls to whom, and the phone keys for it."""
    settings = services.settings
    return s.LinksOut(
        centres=[s.CentreOut(code=centre.code, name=centre.name) for centre in settings.centres],
        links=[
            s.LinkOut(
                source=link.source,
                target=link.target,
                key=link.key,
                consult_key=settings.keys.consults(link),
            )
            for link in settings.links
        ],
        keys=s.KeysOut(**settings.keys.model_dump()),
    )


@router.get("/seats", summary="Seats")
async def seats(services: Inject) -> list[s.SeatOut]:
    """Which operator sits at which extension."""
    return [s.SeatOut(**seat.model_dump(exclude={"endpoint"})) for seat in services.settings.seats]


@router.get("/classes", summary="Diversion lists")
async def classes(services: Inject) -> s.ClassesOut:
    """Classes A1-A9 and B1-B8 and the guidance entries, to choose from when changing."""
    if services.adviser:
        with contextlib.suppress(AdviceNotReady):
            return _listed(services.adviser.lists())
    # The page opens before advice has been read: the lists that it will read.
    return _listed(taxonomy.load(services.settings.dispatch.taxonomy))


def _listed(known: taxonomy.Taxonomy) -> s.ClassesOut:
    listed = [
        s.ClassOut(id=item.id, name=item.name, platform=item.platform, scope=item.scope)
        for item in known.items
    ]
    guidance = [
        s.ClassOut(id=entry.id, name=entry.name, platform="guide", scope=entry.script)
        for entry in known.guidance
    ]
    return s.ClassesOut(version=known.version, classes=[*listed, *guidance])
