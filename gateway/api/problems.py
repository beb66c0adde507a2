"""Errors as RFC 9457 problem details; `slug` is what clients match on."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from gateway import errors as e
from gateway import log

_log = log.get("api")
MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[e.LiandongError], int] = {
    e.SwitchUnreachable: 503,
    e.SwitchTimeout: 504,
    e.SwitchRefused: 502,
    e.UnsafeValue: 422,
    e.CallNotFound: 404,
    e.IllegalVerb: 409,
    e.IdempotencyKeyMissing: 400,
    e.IdempotencyConflict: 422,
    e.StillInProgress: 409,
    e.LedgerError: 503,
    e.TicketNotFound: 404,
    e.AdviceNotReady: 503,
    e.TextRefused: 422,
    e.NotAuthenticated: 401,
    e.NotAllowed: 403,
    e.CrossSiteRefused: 403,
    e.TooManyAttempts: 429,
}
"""By class; a subclass without its own row takes its parent's, others are 500."""

_ABOUT_THE_REQUEST = {400: "bad-request", 404: "not-found", 405: "method-not-allowed"}


class Problem(BaseModel):
    """An error. `type` is a name, not an address."""

    type: str = Field(examples=["urn:liandong:problem:illegal-verb"])
    slug: str = Field(examples=["illegal-verb"])
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = Field(
        default=None, description="For invalid requests: where (`at`) and what (`message`)."
    )


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI `responses` for the problems a route can answer."""
    return {
        status: {
            "model": Problem,
            "content": {MEDIA_TYPE: {}},
            "description": HTTPStatus(status).phrase,
        }
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Answer every error of `app` as a problem."""
    app.add_exception_handler(e.LiandongError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def status_of(error: e.LiandongError) -> int:
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


async def _ours(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, e.LiandongError)
    headers = {}
    if isinstance(error, e.NotAuthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="liandong"'
    if isinstance(error, e.TooManyAttempts):
        headers["Retry-After"] = "60"
    return _answer(status_of(error), error.slug, str(error), headers=headers)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # The input itself is left out: it may hold what a caller said.
    found = [
        {"at": ".".join(str(part) for part in item["loc"]), "message": str(item["msg"])}
        for item in error.errors()
    ]
    where = ", ".join(item["at"] for item in found)
    return _answer(422, "invalid-request", f"not as documented: {where}", errors=found)


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    slug = _ABOUT_THE_REQUEST.get(error.status_code, "http")
    return _answer(error.status_code, slug, str(error.detail), headers=dict(error.headers or {}))


async def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    _log.error("unforeseen error", path=request.scope.get("path"), error=type(error).__name__)
    return _answer(500, "internal", "the gateway failed; its log says more")


def _answer(
    status: int,
    slug: str,
    detail: str,
    *,
    headers: dict[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> JSONResponse:
    problem = Problem(
        type=f"urn:liandong:problem:{slug}",
        slug=slug,
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=errors,
    )
    return JSONResponse(
        problem.model_dump(exclude_none=True), status, headers=headers, media_type=MEDIA_TYPE
    )
