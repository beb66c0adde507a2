"""The API over the real ledger in SQLite: past calls, tickets, audit."""

import pytest

from gateway.api.app import create_app
from gateway.api.ports import LedgerReader
from gateway.calls.scripts import NUMBER, LinkedCall
from gateway.ledger.repository import open_ledger

PAST = "0197a000-0000-7000-8000-00000000000f"


@pytest.fixture
async def ledger(tmp_path, api):
    ledger = await open_ledger(f"sqlite+aiosqlite:///{tmp_path / 'ledger.sqlite3'}")
    reader: LedgerReader = ledger
    api.client._transport.app = create_app(api.settings, api.control, api.live, reader)
    script = LinkedCall(PAST)
    await ledger.record([*script.three_way(), *script.ended()])
    yield ledger
    await ledger.close()


async def test_past_call(api, ledger):
    call = (await api.ask("GET", f"/calls/{PAST}", "supervisor")).json()
    assert (call["end_reason"], call["caller_number"]) == ("caller_hung_up", "138****1234")
    said = (await api.ask("GET", f"/calls/{PAST}/transcript", "operator")).json()
    assert len(said["utterances"]) == 4
    assert (await api.ask("GET", f"/calls/{PAST}", "colleague")).status_code == 404


async def test_reveal_joins_the_audit_chain(api, ledger):
    shown = await api.ask("POST", f"/calls/{PAST}/reveal", "supervisor", json={"reason": "回拨"})
    assert shown.json()["caller_number"] == NUMBER
    assert await ledger.audit_broken_at() is None


async def test_no_tickets_yet(api, ledger):
    assert (await api.ask("GET", "/tickets", "supervisor")).json() == {
        "tickets": [],
        "next_before": None,
    }
    assert (await api.ask("GET", "/tickets/none", "supervisor")).status_code == 404
