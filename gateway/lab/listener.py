"""Listens to the gateway's live stream as a page does, and notes when each event arrived."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from gateway.lab.town import Town


@dataclass(frozen=True)
class Arrival:
    """One event of a call: `at` is seconds of time.time()."""

    at: float
    kind: str
    data: dict[str, Any]


class Listener:
    """`arrivals` grows as events come."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.ready = asyncio.Event()
        self.last_id = ""
        """Of the last event; a page that comes back names it."""

    def of(self, kind: str) -> list[Arrival]:
        """Events of this kind, oldest first."""
        return [arrival for arrival in self.arrivals if arrival.kind == kind]

    async def run(self, client: httpx.AsyncClient, after: str = "") -> None:
        """Read until cancelled; what came after the event of id `after` first."""
        asked = {"after": after} if after else None
        async with client.stream("GET", "/live", params=asked, timeout=None) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                self.ready.set()
                if line.startswith("id:"):
                    self.last_id = line.removeprefix("id:").strip()
                elif line.startswith("data:"):
                    self._take(line.removeprefix("data:"))

    def _take(self, text: str) -> None:
        at = time.time()
        event = json.loads(text or "{}")
        if isinstance(event, dict) and "kind" in event:
            self.arrivals.append(Arrival(at, event["kind"], event["data"]))


@asynccontextmanager
async def listening(town: Town, after: str = "") -> AsyncIterator[Listener]:
    """A listener on the stream for as long as the context lasts; `after` as `Listener.run`."""
    listener = Listener()
    async with town.client() as client:
        task = asyncio.create_task(listener.run(client, after), name="listener")
        try:
            await asyncio.wait_for(listener.ready.wait(), 10)
            yield listener
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, httpx.HTTPError):
                await task
