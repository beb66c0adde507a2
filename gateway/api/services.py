"""What the routes work with, put together once by the factory."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from gateway.api.auth import Gatekeeper
from gateway.api.caches import HealthCache, MessageCache
from gateway.api.idempotency import Once
from gateway.api.metrics import ApiMetrics
from gateway.api.ports import Adviser, LedgerReader, LiveReader
from gateway.api.schemas import TransferOut
from gateway.calls.port import CallControl
from gateway.settings import Settings


@dataclass
class Services:
    settings: Settings
    control: CallControl
    live: LiveReader
    ledger: LedgerReader
    adviser: Adviser | None
    """None: this process gives no advice."""
    gatekeeper: Gatekeeper
    metrics: ApiMetrics
    health: HealthCache
    messages: MessageCache = field(default_factory=MessageCache)
    transfers: Once[TransferOut] = field(default_factory=Once)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set: every live page is sent away, so that the server can stop."""
    live_pages: int = 0


async def services(request: Request) -> Services:
    """Dependency: the application's services."""
    found: Services = request.app.state.services
    return found


Inject = Annotated[Services, Depends(services)]
