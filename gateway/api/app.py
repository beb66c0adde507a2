"""The FastAPI application, put together from ports."""

import os
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from gateway import console
from gateway.api import (
    health,
    metrics,
    problems,
    routes_callbacks,
    routes_calls,
    routes_figures,
    routes_session,
    routes_setup,
    routes_suggestions,
    routes_tickets,
    routes_verbs,
)
from gateway.api import live as live_route
from gateway.api.auth import Gatekeeper, current_actor
from gateway.api.caches import HealthCache
from gateway.api.headers import Headers
from gateway.api.ports import Adviser, LedgerReader, LiveReader
from gateway.api.services import Services
from gateway.calls.port import Actor, CallControl
from gateway.settings import Settings

_DESCRIPTION = """
Live calls between the 12345 hotline and the 110 line, their transfers, transcripts, suggestions
and tickets.

Send `Authorization: Bearer <token>`. Errors are RFC 9457 problems; match on `slug`. Numbers are
masked, and what a role may do stands in its rights (`GET /api/v1/session`).
"""

_TAGS = [
    {"name": "calls", "description": "Calls, transcripts and suggestions."},
    {"name": "verbs", "description": "What an operator's keys do, by REST."},
    {"name": "tickets", "description": "Tickets and their delivery."},
    {"name": "figures", "description": "Connection rate, waits, who was not served, leg log."},
    {"name": "callbacks", "description": "Callers who have gone while nobody had them."},
    {"name": "live", "description": "Server-sent events with resume."},
    {"name": "suggestions", "description": "Advice on texts from internet channels."},
    {"name": "setup", "description": "Links, seats and classes."},
    {"name": "session", "description": "Logging in on the page."},
    {"name": "operation", "description": "Health and metrics."},
]


class _Page(StaticFiles):
    """The page's own files, and nothing else that lies beside them."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        if Path(path).suffix not in ("", *console.SUFFIXES):
            return "", None
        return super().lookup_path(path)


def create_app(
    settings: Settings,
    control: CallControl,
    live: LiveReader,
    ledger: LedgerReader,
    adviser: Adviser | None = None,
) -> FastAPI:
    """Return the API and the page at ``/console/``.

    Call `close_streams` before stopping the server. Raises ConfigError when ``api.tokens`` is
    empty or wrong.
    """
    app = FastAPI(
        title="Liandong",
        version="1",
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services = Services(
        settings=settings,
        control=control,
        live=live,
        ledger=ledger,
        adviser=adviser,
        gatekeeper=Gatekeeper(settings.api.tokens),
        metrics=metrics.ApiMetrics(control),
        health=HealthCache(control),
    )
    problems.install(app)
    app.add_middleware(Headers, metrics=services.metrics)
    for part in (
        routes_calls, routes_verbs, routes_tickets, routes_figures, routes_callbacks, routes_setup,
        routes_suggestions, routes_session, live_route, health, metrics,
    ):  # fmt: skip
        app.include_router(part.router)
    _add_openapi(app)
    _add_page(app)
    return app


def close_streams(app: FastAPI) -> None:
    """Send every live page away; without it a stopping server would wait for them."""
    app.state.services.closing.set()


def _add_openapi(app: FastAPI) -> None:
    @app.get("/api/v1/openapi.json", include_in_schema=False)
    async def openapi(_: Annotated[Actor, Depends(current_actor)]) -> JSONResponse:
        return JSONResponse(app.openapi())


def _add_page(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def root() -> RedirectResponse:
        return RedirectResponse("/console/")

    app.mount("/console", _Page(directory=console.FOLDER, html=True), name="console")
