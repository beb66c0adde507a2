"""Prometheus metrics: what the API counts itself, and the calls as they are when scraped."""

import asyncio
import math
from collections import Counter as Tally
from collections.abc import Iterator

import prometheus_client as prom
from fastapi import APIRouter, Depends, Request, Response
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.api.auth import need
from gateway.api.ports import LedgerReader
from gateway.api.problems import documented
from gateway.api.rights import Right
from gateway.calls.facts import LegRole, TransferState
from gateway.calls.port import CallControl
from gateway.errors import LedgerError

_LEDGER_S = 2.0
router = APIRouter(tags=["operation"])


class ApiMetrics:
    """One registry per application; process-wide metrics of other slices are added to the page."""

    def __init__(self, control: CallControl) -> None:
        self.registry = prom.CollectorRegistry()
        self.requests = prom.Counter(
            "liandong_http_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.live_pages = prom.Gauge(
            "liandong_live_pages", "Pages on the live stream.", registry=self.registry
        )
        self.live_resets = prom.Counter(
            "liandong_live_resets",
            "Times a page was told to load a snapshot again.",
            registry=self.registry,
        )
        self._dead = prom.Gauge(
            "liandong_tickets_dead",
            "Revisions of tickets that were given up; NaN: the ledger does not say.",
            registry=self.registry,
        )
        self.registry.register(_Calls(control))

    async def look(self, ledger: LedgerReader) -> None:
        """Ask for what only the ledger knows."""
        try:
            self._dead.set(await asyncio.wait_for(ledger.given_up(), _LEDGER_S))
        except (LedgerError, TimeoutError):
            self._dead.set(math.nan)

    def page(self) -> bytes:
        return prom.generate_latest(self.registry) + prom.generate_latest(prom.REGISTRY)


class _Calls(Collector):
    def __init__(self, control: CallControl) -> None:
        self._control = control

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing is known before the first scrape."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        live = [call for call in self._control.calls() if call.ended_at is None]
        legs = Tally(leg.role for call in live for leg in call.legs.values() if not leg.ended_at)
        transfers = Tally(call.transfer.state for call in live if call.transfer)
        yield GaugeMetricFamily("liandong_calls_live", "Calls under way.", value=len(live))
        by_role = GaugeMetricFamily("liandong_legs_live", "Legs under way.", labels=["role"])
        for role in LegRole:
            by_role.add_metric([role], legs[role])
        yield by_role
        by_state = GaugeMetricFamily(
            "liandong_calls_by_transfer", "Calls by the state of their transfer.", labels=["state"]
        )
        for state in TransferState:
            by_state.add_metric([state], transfers[state])
        yield by_state


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    response_class=Response,
    dependencies=[Depends(need(Right.METRICS))],
    responses=documented(401, 403),
)
async def metrics(request: Request) -> Response:
    """Text format; needs the right `metrics` (roles system, admin, supervisor)."""
    own: ApiMetrics = request.app.state.services.metrics
    await own.look(request.app.state.services.ledger)
    return Response(own.page(), media_type=prom.CONTENT_TYPE_LATEST)
