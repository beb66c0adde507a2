"""The live stream as server-sent events (WHATWG HTML, section 9.2), resumable.

Every event's id is its Redis stream id, so a browser resumes by itself with Last-Event-ID. Calls'
events are plain messages ``{"call", "kind", "data"}``; `hello`, `resumed`, `reset` and `stalled`
are named events about the stream, and `beat` says every few seconds that it is alive.
"""

import asyncio
import logging
from asyncio import FIRST_COMPLETED
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from sse_starlette import EventSourceResponse, ServerSentEvent

from gateway.api.auth import need
from gateway.api.problems import documented
from gateway.api.rights import Right, has, may_see
from gateway.api.services import Inject, Services
from gateway.calls.port import Actor
from gateway.errors import CallNotFound, TooManyAttempts
from gateway.live.item import MARKS, RESET, LiveItem

MAX_PAGES = 200
BEAT_S = 5.0
RETRY_MS = 250
"""A page that lost us, be it that we restart, comes back after so long; browsers wait 3 s."""
SEND_TIMEOUT_S = 10.0
"""A page that takes nothing for this long is cut off; it resumes by its last id."""
MAX_AGE_S = 3600.0
"""Then the page is sent away and comes back by itself, its credential checked anew."""

# It logs every chunk at DEBUG, and chunks hold what callers say.
logging.getLogger("sse_starlette.sse").setLevel(logging.INFO)

router = APIRouter(prefix="/api/v1", tags=["live"])


@router.get(
    "/live",
    summary="Live events",
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {}}}, **documented(401, 403, 429)},
)
async def live(
    services: Inject,
    actor: Annotated[Actor, Depends(need(Right.CALLS_OWN, Right.CALLS_ALL))],
    call: Annotated[str, Query(description="Only this call's events.", max_length=128)] = "",
    after: Annotated[str, Query(description="Like Last-Event-ID, for the first request.")] = "",
    last_event_id: Annotated[str | None, Header()] = None,
) -> EventSourceResponse:
    """Facts and partial utterances as they happen, numbers masked as everywhere.

    Operators get the events of calls on which their seat is or was. After `reset`, load calls and
    transcripts again: some events were trimmed or lost.
    """
    if services.live_pages >= MAX_PAGES:
        raise TooManyAttempts(f"{MAX_PAGES} pages are on the live stream already")
    if has(actor, Right.NUMBERS_CLEAR):
        await services.ledger.audit(actor.name, "numbers.clear", call or "*", "live stream")
    return EventSourceResponse(
        _events(services, actor, call, last_event_id or after or None),
        ping=BEAT_S,
        ping_message_factory=lambda: ServerSentEvent(event="beat", data="{}"),
        send_timeout=SEND_TIMEOUT_S,
        headers={"Cache-Control": "no-store"},
    )


async def _events(
    services: Services, actor: Actor, call: str, after: str | None
) -> AsyncGenerator[ServerSentEvent, None]:
    clear = has(actor, Right.NUMBERS_CLEAR)
    services.metrics.live_pages.inc()
    services.live_pages += 1
    try:
        async with aclosing(_until(services.closing, services.live.read(after))) as items:
            async for item in items:
                if item.kind in MARKS:
                    if item.kind == RESET:
                        services.metrics.live_resets.inc()
                    event, id_ = item.kind, item.id or None
                    yield ServerSentEvent(event=event, id=id_, data="{}", retry=RETRY_MS)
                elif call in ("", item.call_id) and _visible(services, actor, item.call_id):
                    data = services.messages.message(item, clear=clear)
                    yield ServerSentEvent(id=item.id, data=data)
    finally:
        services.live_pages -= 1
        services.metrics.live_pages.dec()


def _visible(services: Services, actor: Actor, call_id: str) -> bool:
    if has(actor, Right.CALLS_ALL):
        return True
    try:
        return may_see(actor, services.control.call(call_id))
    except CallNotFound:
        return False


async def _until(
    closing: asyncio.Event, items: AsyncGenerator[LiveItem, None]
) -> AsyncGenerator[LiveItem, None]:
    """Pass `items` on until they end, `closing` is set or MAX_AGE_S have passed."""
    ends = asyncio.get_running_loop().time() + MAX_AGE_S
    stop = asyncio.create_task(closing.wait())
    following: asyncio.Future[LiveItem | None] | None = None
    try:
        while True:
            following = asyncio.ensure_future(anext(items, None))
            left = ends - asyncio.get_running_loop().time()
            await asyncio.wait({following, stop}, timeout=left, return_when=FIRST_COMPLETED)
            item = following.result() if following.done() else None
            if item is None:
                return
            yield item
    finally:
        pending: list[asyncio.Future[Any]] = [stop] if following is None else [stop, following]
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        await items.aclose()
