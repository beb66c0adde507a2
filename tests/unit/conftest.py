"""The API over fakes, spoken to without a socket."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.app import create_app
from gateway.api.fakes import FakeLedger, FakeLiveReader, FakeTicket
from gateway.calls.fakes import FakeCallControl
from gateway.calls.port import LegalVerb, Verb
from gateway.calls.scripts import LinkedCall
from gateway.settings import Settings

TOKENS = {
    role: f"{role}-token-0123456789"
    for role in ("operator", "colleague", "supervisor", "admin", "system")
}
SETTINGS = {
    "centres": [
        {"code": "12345", "name": "政务热线", "queue": "12345"},
        {"code": "110", "name": "公安报警", "queue": "110"},
    ],
    "links": [
        {"source": "12345", "target": "110", "dial": "Local/110@x/n", "key": "*110"},
        {"source": "110", "target": "12345", "dial": "Local/12345@x/n", "key": "*12345"},
    ],
    "seats": [
        {
            "extension": "1001",
            "endpoint": "PJSIP/1001",
            "centre": "12345",
            "agent": "1001",
            "name": "王敏",
        }
    ],
    "api": {
        "tokens": [
            {"name": "wang", "role": "operator", "agent": "1001", "token": TOKENS["operator"]},
            {"name": "zhao", "role": "operator", "agent": "1002", "token": TOKENS["colleague"]},
            {"name": "boss", "role": "supervisor", "token": TOKENS["supervisor"]},
            {"name": "root", "role": "admin", "token": TOKENS["admin"]},
            {"name": "orders", "role": "system", "token": TOKENS["system"]},
        ]
    },
}
CALL = "0197a000-0000-7000-8000-000000000001"


@dataclass
class World:
    """One call, three talking: operator 1001 (wang), 110's 2001 and the citizen."""

    settings: Settings
    control: FakeCallControl = field(default_factory=FakeCallControl)
    live: FakeLiveReader = field(default_factory=FakeLiveReader)
    ledger: FakeLedger = field(default_factory=FakeLedger)
    script: LinkedCall = field(default_factory=lambda: LinkedCall(CALL))
    app: FastAPI = field(init=False)
    client: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.control.feed(*self.script.three_way())
        self.control.allow(
            CALL,
            LegalVerb(Verb.TRANSFER, "110", "*110"),
            LegalVerb(Verb.BACK, key="*0"),
            LegalVerb(Verb.JOIN, key="*3"),
            LegalVerb(Verb.DROP, self.script.target, "*6"),
            LegalVerb(Verb.RELEASE, key="*9"),
        )
        row = FakeTicket("T-1", CALL)
        self.ledger.documents.append((row, {"call": {"caller_number": self.script._number}}))
        self.app = create_app(self.settings, self.control, self.live, self.ledger)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://gateway.test")

    async def ask(self, method: str, path: str, role: str = "", **more: object) -> httpx.Response:
        """Send a request under ``/api/v1`` (or from ``/`` when path starts with ``//``)."""
        headers = dict(more.pop("headers", {}))  # type: ignore[call-overload]
        if role:
            headers["Authorization"] = f"Bearer {TOKENS[role]}"
        where = path[1:] if path.startswith("//") else f"/api/v1{path}"
        return await self.client.request(method, where, headers=headers, **more)  # type: ignore[arg-type]


@pytest.fixture
async def api() -> AsyncIterator[World]:
    world = World(Settings.model_validate(SETTINGS))
    async with world.client:
        yield world
