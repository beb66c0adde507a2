"""A small order system: receives tickets as a real one should. ``docs/tickets.md`` explains it.

    python -m gateway.lab.order_system --port 0 --secret whsec_... [--out DIR]

Prints one line ``order system on http://127.0.0.1:PORT`` when it is ready.
"""

import asyncio
import json
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from jsonschema import Draft202012Validator
from pydantic import BaseModel
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from gateway.clock import now
from gateway.tickets.schema import ticket_schema


class Fault(BaseModel):
    """How the order system misbehaves: `status` instead of taking a ticket, or no answer."""

    status: int = 503
    retry_after: int | None = None
    hold: bool = False
    """Take the ticket but do not answer until ``/_up``."""


class Receipt(BaseModel):
    """One POST, as it came."""

    at: datetime
    webhook_id: str
    status: int
    what: str
    """taken | duplicate | stale | refused"""


@dataclass
class Store:
    """What the order system keeps."""

    out: Path | None = None
    tickets: dict[str, dict[str, Any]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    receipts: list[Receipt] = field(default_factory=list)
    fault: Fault | None = None
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def keep(self, message_id: str, event: dict[str, Any]) -> str:
        """Keep `event`'s ticket unless it is known or older than what is kept; say which."""
        if message_id in self.taken:
            return "duplicate"
        self.taken.add(message_id)
        if self.out:
            path = self.out / f"{message_id}.json"
            path.write_text(json.dumps(event, ensure_ascii=False, indent=2), encoding="utf-8")
        ticket = event["data"]
        known = self.tickets.get(ticket["ticket_id"])
        if known and known["revision"] > ticket["revision"]:
            return "stale"
        self.tickets[ticket["ticket_id"]] = ticket
        return "taken"


def create_app(secret: str, out: Path | None = None) -> FastAPI:
    """Return the order system; each app keeps its own tickets (``app.state.store``)."""
    app = FastAPI(title="Lab order system")
    store = Store(out=out)
    app.state.store = store
    webhook, schema = Webhook(secret), Draft202012Validator(ticket_schema())

    def answer(status: int, what: str, message_id: str, **headers: str) -> Response:
        receipt = Receipt(at=now(), webhook_id=message_id, status=status, what=what)
        store.receipts.append(receipt)
        return JSONResponse({"result": what}, status_code=status, headers=headers)

    @app.post("/tickets")
    async def receive(request: Request) -> Response:
        message_id = request.headers.get("webhook-id", "")
        fault = store.fault
        if fault and not fault.hold:
            extra = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
            return answer(fault.status, "refused", message_id, **extra)
        body = await request.body()
        event = _verified(webhook, body, dict(request.headers))
        if event is None:
            return answer(401, "refused", message_id)
        if not _is_ticket_event(schema, event, message_id):
            return answer(422, "refused", message_id)
        what = store.keep(message_id, event)
        if fault and fault.hold:
            await store.released.wait()
        return answer(200, what, message_id)

    @app.get("/tickets")
    async def tickets() -> list[dict[str, Any]]:
        return list(store.tickets.values())

    @app.get("/tickets/{ticket_id}")
    async def ticket(ticket_id: str) -> dict[str, Any]:
        if ticket_id not in store.tickets:
            raise HTTPException(404, f"no ticket {ticket_id}")
        return store.tickets[ticket_id]

    @app.get("/receipts")
    async def receipts() -> list[Receipt]:
        return store.receipts

    @app.post("/_down", status_code=204)
    async def down(fault: Fault) -> None:
        store.fault = fault
        store.released.clear()

    @app.post("/_up", status_code=204)
    async def up() -> None:
        store.fault = None
        store.released.set()

    return app


def _verified(webhook: Webhook, body: bytes, headers: dict[str, str]) -> dict[str, Any] | None:
    """Return the event if signature and timestamp (within five minutes) are good."""
    # The library raises ValueError of several kinds where a header or the body is garbled.
    with suppress(WebhookVerificationError, ValueError):
        event = webhook.verify(body, headers)
        return event if isinstance(event, dict) else None
    return None


def _is_ticket_event(schema: Draft202012Validator, event: dict[str, Any], message_id: str) -> bool:
    ticket = event.get("data")
    return (
        event.get("specversion") == "1.0"
        and event.get("id") == message_id
        and isinstance(ticket, dict)
        and schema.is_valid(ticket)
        and event.get("subject") == ticket["ticket_id"]
        and event.get("type") == f"cn.liandong.ticket.{ticket['phase']}.v1"
    )


def main(
    secret: Annotated[str, typer.Option(help="Standard Webhooks secret: whsec_...")],
    port: Annotated[int, typer.Option(help="0: a free one.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder to write each event to.")] = None,
) -> None:
    """Run the order system on loopback until SIGTERM or SIGINT."""
    if out:
        out.mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", port)) as listener:
        print(f"order system on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        config = uvicorn.Config(create_app(secret, out), log_level="warning", lifespan="off")
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    typer.run(main)
