"""Advice on a text: what came by an internet channel, or was typed by an operator."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from gateway.api.auth import need
from gateway.api.problems import documented
from gateway.api.rights import Right
from gateway.api.services import Inject
from gateway.calls.facts import Area
from gateway.errors import AdviceNotReady

router = APIRouter(
    prefix="/api/v1/suggestions",
    tags=["suggestions"],
    dependencies=[Depends(need(Right.SUGGEST))],
    responses=documented(401, 403, 422, 503),
)


class TextIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(description="In the citizen's words, at most 5,000 characters.")]


class _Words(BaseModel):
    start: int
    end: int
    text: str


class WordsOut(_Words):
    """Words behind the advice, by code points of the text."""

    why: str


class FactOut(_Words):
    kind: str
    value: str


class AdviceOut(BaseModel):
    """What `liandong suggest --jsonl` prints; `platform` is null where nothing is proposed."""

    platform: str | None
    item: str | None
    item_name: str
    runner_up: str | None
    urgency: Literal["emergency", "urgent", "normal"]
    type: str
    unit: str | None
    assist: list[str]
    district: Area | None
    place: str | None
    facts: list[FactOut]
    title: str
    summary: str
    ask: list[str]
    deadline: str
    confidence: float
    sure: bool
    also: list[str]
    evidence: list[WordsOut]
    version: str


@router.post("", summary="Advise on a text")
async def advise(services: Inject, body: TextIn) -> AdviceOut:
    """Say which line, class, unit and place a text is for, how urgent it is, and by which words."""
    if services.adviser is None:
        raise AdviceNotReady("this process gives no advice; ask the gateway that controls the PBX")
    return AdviceOut.model_validate(await services.adviser.answer(body.text))
