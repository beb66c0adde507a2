"""A ledger on disk, the lab's order system over real HTTP, and the delivery process between."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import httpx
import uvicorn
from sqlalchemy import select, update

from gateway.clock import now
from gateway.lab.order_system import Fault, create_app
from gateway.lab.ports import free_port
from gateway.ledger import tables as t
from gateway.ledger.repository import Ledger
from gateway.settings import Settings
from gateway.tickets.delivery import run
from gateway.tickets.sample import sample_ticket

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PATIENCE_S = 20
TICKET = sample_ticket()
IN_PROCESS = (
    "import asyncio; from gateway.settings import load; from gateway.tickets.delivery import run; "
    "asyncio.run(run(load()))"
)


class OrderServer:
    """The lab's order system under uvicorn, on a port that stays the same over stops."""

    def __init__(self) -> None:
        self.app = create_app(SECRET)
        self.store = self.app.state.store
        self.port = free_port()
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        config = uvicorn.Config(self.app, log_level="warning", lifespan="off")
        self._server = uvicorn.Server(config)
        self._server.capture_signals = contextlib.nullcontext  # the test's own stay in place
        listener = socket.create_server(("127.0.0.1", self.port))
        self._serving = asyncio.create_task(self._server.serve([listener]))
        await until(lambda: self._server.started)

    async def stop(self) -> None:
        if self._server and self._serving:
            self._server.should_exit = True
            self.store.released.set()
            await self._serving
            self._server = self._serving = None

    def receipts(self) -> list[tuple[int, str]]:
        return [(receipt.status, receipt.what) for receipt in self.store.receipts]


class World:
    """Everything a delivery test touches. The delivery process runs in here, or apart."""

    def __init__(self, folder, redis_url: str, **orders) -> None:
        self.orders = OrderServer()
        fast = {"backoff_base_s": 0.02, "backoff_max_s": 0.1, "max_attempts": 500}
        self.settings = Settings(
            ledger={"url": f"sqlite+aiosqlite:///{folder}/ledger.db"},
            redis={"url": redis_url},
            orders={
                "url": f"{self.orders.url}/tickets", "secret": SECRET, "timeout_s": 5,
                **fast, **orders,
            },
        )  # fmt: skip
        self.path = folder / "ledger.db"
        self.ledger = Ledger(self.settings.ledger.url)
        self._stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def deliver(self) -> None:
        """Start the delivery process's loop."""
        self._stop = asyncio.Event()
        self._running = asyncio.create_task(run(self.settings, self._stop))

    async def stop(self) -> None:
        """Ask it to stop, and wait until it has."""
        if self._running:
            self._stop.set()
            await self._running
            self._running = None

    async def process(self) -> asyncio.subprocess.Process:
        """Start the delivery process as one of its own."""
        settings = self.settings
        environ = {
            "LIANDONG_LEDGER__URL": settings.ledger.url,
            "LIANDONG_REDIS__URL": settings.redis.url,
            "LIANDONG_ORDERS__URL": settings.orders.url,
            "LIANDONG_ORDERS__SECRET": SECRET,
            "LIANDONG_ORDERS__TIMEOUT_S": str(settings.orders.timeout_s),
        }
        return await asyncio.create_subprocess_exec(
            sys.executable, "-c", IN_PROCESS, env=os.environ | environ
        )

    async def save(self, revision=1, phase="final", ticket_id=TICKET.ticket_id) -> None:
        ticket = TICKET.model_copy(
            update={"revision": revision, "phase": phase, "ticket_id": ticket_id}
        )
        await self.ledger.save_ticket(ticket, now())

    async def states(self) -> list[str]:
        async with self.ledger.read() as connection:
            rows = await connection.execute(select(t.outbox.c.state).order_by(t.outbox.c.id))
        return list(rows.scalars())

    async def attempts(self) -> list[tuple[int | None, str]]:
        async with self.ledger.read() as connection:
            rows = await connection.execute(select(t.deliveries).order_by(t.deliveries.c.id))
        return [(row.status, row.error) for row in rows]

    async def reaches(self, *states: str) -> None:
        """Wait until the outbox's messages are in `states`."""

        async def there() -> bool:
            return await self.states() == list(states)

        await until(there)

    async def let_leases_run_out(self) -> None:
        past = now() - timedelta(seconds=1)
        async with self.ledger.write() as connection:
            leased = t.outbox.c.leased_until.is_not(None)
            await connection.execute(update(t.outbox).where(leased).values(leased_until=past))

    async def fails_with(self, **fault) -> None:
        """Make the order system misbehave, by its own control."""
        async with httpx.AsyncClient(trust_env=False) as client:
            body = Fault(**fault).model_dump()
            (await client.post(f"{self.orders.url}/_down", json=body)).raise_for_status()

    async def mended(self) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            (await client.post(f"{self.orders.url}/_up")).raise_for_status()


@contextlib.asynccontextmanager
async def open_world(folder, redis_url: str | None = None, **orders) -> AsyncIterator[World]:
    """A world whose order system is up. Without `redis_url` Redis is down."""
    world = World(folder, redis_url or f"redis://127.0.0.1:{free_port()}/0", **orders)
    await world.orders.start()
    try:
        yield world
    finally:
        await world.orders.stop()
        await world.stop()
        await world.ledger.close()


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            met = condition()
            if met if isinstance(met, bool) else await met:
                return
            await asyncio.sleep(0.005)
