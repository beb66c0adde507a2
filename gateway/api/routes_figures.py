"""Figures of the record: connection rate, waits, who was not served, and the leg log."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field

from gateway.api.auth import need
from gateway.api.problems import documented
from gateway.api.rights import Right, has
from gateway.api.schemas import MASKED
from gateway.api.services import Inject, Services
from gateway.calls.figures import (
    Figures,
    LegEntry,
    Limits,
    MessageStatus,
    Noted,
    NotedCall,
    Per,
    Scope,
    TransferCount,
    scope_of,
)
from gateway.calls.port import Actor
from gateway.clock import now
from gateway.errors import CallNotFound
from gateway.masking import mask_number

LONGEST = {"range": timedelta(days=100), "day": timedelta(days=100), "hour": timedelta(days=8)}
"""Longer answers would keep the process from driving calls."""

router = APIRouter(prefix="/api/v1", tags=["figures"], responses=documented(401, 403, 422, 503))
Reader = Annotated[Actor, Depends(need(Right.FIGURES))]
_WHEN = "RFC 3339; without an offset, or a date alone, of the time zone in the settings."
From = Annotated[datetime | None, Query(alias="from", description=f"Default: today. {_WHEN}")]
To = Annotated[datetime | None, Query(alias="to", description=f"Left out itself. {_WHEN}")]
Centre = Annotated[str, Query(pattern=r"^[0-9]{0,12}$", description="Centre code; empty: all.")]
Status = Annotated[MessageStatus, Query(description="Drills and tests only when asked for.")]


class FiguresOut(BaseModel):
    """Only calls that have ended are counted."""

    timezone: str
    answer_within_s: float
    short_abandon_s: float
    message_status: MessageStatus
    start: datetime
    end: datetime
    figures: list[Figures]
    transfers: list[TransferCount] = Field(description="Of the whole range.")
    not_logged: int = Field(
        description="Ended calls that are not counted yet; `liandong figures rebuild` does it."
    )


class NotedCallOut(NotedCall):
    caller_number: str = Field(description=MASKED)


class NotedCallsOut(BaseModel):
    calls: list[NotedCallOut]
    next_before: str | None = Field(description="Pass as `before` for the next page.")


class LegsOut(BaseModel):
    wrap_up_cap_s: float
    legs: list[LegEntry]
    next_before: str | None = Field(description="Pass as `before` for the next page.")


@router.get("/figures", summary="Connection rate, waits, transfers")
async def figures(
    services: Inject,
    _: Reader,
    start: From = None,
    end: To = None,
    centre: Centre = "",
    per: Annotated[Per, Query(description="One line a day, an hour, or for it all.")] = "range",
    message_status: Status = "Actual",
) -> FiguresOut:
    """By the time and centre at which calls came in. At most 100 days, by the hour 8."""
    scope = _scope(services, start, end, centre, message_status)
    if scope.end - scope.start > LONGEST[per]:
        raise _refused(f"at most {LONGEST[per].days} days; ask again in parts, or use the command")
    own, ledger = services.settings.figures, services.ledger
    return FiguresOut(
        timezone=own.timezone,
        answer_within_s=own.answer_within_s,
        short_abandon_s=own.short_abandon_s,
        message_status=message_status,
        start=scope.start,
        end=scope.end,
        figures=await ledger.figures(scope, per, own.zone, _limits(services)),
        transfers=await ledger.transfer_counts(scope),
        not_logged=await ledger.unlogged(scope),
    )


@router.get("/figures/calls", summary="Calls to look at one by one")
async def noted_calls(
    services: Inject,
    actor: Reader,
    which: Annotated[Noted, Query(description="Which calls.")],
    start: From = None,
    end: To = None,
    centre: Centre = "",
    message_status: Status = "Actual",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str, Query(max_length=128, description="From `next_before`.")] = "",
) -> NotedCallsOut:
    """Abandoned, short-abandoned, given up, returned or lost, the latest first."""
    scope = _scope(services, start, end, centre, message_status)
    found = await services.ledger.noted(scope, which, _limits(services), limit, before)
    clear = has(actor, Right.NUMBERS_CLEAR)
    if found and clear:
        await services.ledger.audit(actor.name, "numbers.clear", "*", f"{len(found)} calls")
    return NotedCallsOut(
        calls=[_noted(call, clear=clear) for call in found],
        next_before=found[-1].id if len(found) == limit else None,
    )


@router.get("/legs", summary="The leg log", responses=documented(404))
async def legs(
    services: Inject,
    _: Reader,
    call: Annotated[str, Query(max_length=128, description="All legs of this call.")] = "",
    start: From = None,
    end: To = None,
    centre: Centre = "",
    message_status: Status = "Actual",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str, Query(max_length=128, description="From `next_before`.")] = "",
) -> LegsOut:
    """Of calls that have ended, the latest leg first; with `call` the other filters do nothing."""
    own, ledger = services.settings.figures, services.ledger
    if call and await ledger.call(call) is None:
        raise CallNotFound(f"no call {call} in the record")
    scope = None if call else _scope(services, start, end, centre, message_status)
    found = await ledger.leg_log(scope, call, limit, before, own.wrap_up_cap_s)
    return LegsOut(
        wrap_up_cap_s=own.wrap_up_cap_s,
        legs=list(found),
        next_before=found[-1].id if len(found) == limit else None,
    )


def _scope(
    services: Services,
    start: datetime | None,
    end: datetime | None,
    centre: str,
    message_status: MessageStatus,
) -> Scope:
    zone = services.settings.figures.zone
    try:
        return scope_of(
            start, end, zone=zone, now=now(), centre=centre, message_status=message_status
        )
    except ValueError as error:
        raise _refused(str(error)) from error


def _refused(why: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("query", "to"), "msg": why, "type": "value_error"}])


def _limits(services: Services) -> Limits:
    own = services.settings.figures
    return Limits(own.answer_within_s, own.short_abandon_s)


def _noted(call: NotedCall, *, clear: bool) -> NotedCallOut:
    number = call.caller_number if clear else mask_number(call.caller_number)
    return NotedCallOut(**call.model_dump(exclude={"caller_number"}), caller_number=number)
