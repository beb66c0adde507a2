"""Facts, tickets and the audit chain in the record."""

from datetime import datetime

import pytest
from sqlalchemy import select, text, update

from gateway.calls.facts import LegAdded
from gateway.clock import now
from gateway.errors import LedgerError, LedgerRefused
from gateway.ledger import tables as t
from gateway.ledger.repository import open_ledger
from gateway.tickets.sample import SampleCall, fold, sample_ticket


@pytest.fixture
async def ledger(tmp_path):
    ledger = await open_ledger(f"sqlite+aiosqlite:///{tmp_path}/ledger.db")
    yield ledger
    await ledger.close()


def whole_call(call_id="call-1"):
    call = SampleCall(call_id)
    return [
        *call.started(), *call.rings(), *call.answers(), *call.ends(), *call.closed(),
        call.decided(),
    ]  # fmt: skip


async def rows_of(ledger, table):
    async with ledger.read() as connection:
        return (await connection.execute(select(table))).mappings().all()


async def test_past_call_is_what_was_told(ledger):
    facts = whole_call()
    assert await ledger.record(facts) == len(facts)
    assert await ledger.call("call-1") == fold("call-1", facts)
    assert await ledger.call("call-2") is None


async def test_journal_told_again_changes_nothing(ledger):
    facts = whole_call()
    await ledger.record(facts[:7])
    before = await ledger.position()
    assert await ledger.record(facts[:7]) == 0
    assert await ledger.position() == before
    assert await ledger.record(facts) == len(facts) - 7
    assert await ledger.call("call-1") == fold("call-1", facts)


async def test_facts_are_laid_out_for_search(ledger):
    await ledger.record(whole_call())
    counts = {
        table.name: len(await rows_of(ledger, table))
        for table in (
            t.calls, t.legs, t.transfers, t.transfer_steps, t.utterances, t.suggestions,
            t.decisions,
        )
    }  # fmt: skip
    assert counts == {
        "calls": 1, "legs": 3, "transfers": 1, "transfer_steps": 5, "utterances": 1,
        "suggestions": 1, "decisions": 1,
    }  # fmt: skip
    [transfer] = await rows_of(ledger, t.transfers)
    assert (transfer["state"], transfer["kind"]) == ("completed", "one_key")
    [call] = await rows_of(ledger, t.calls)
    assert call["end_reason"] == "caller_hung_up"
    assert call["ended_at"] == whole_call()[-5].at


async def test_leg_told_of_twice_is_one_leg(ledger):
    [_, added, *_] = SampleCall("call-1").started()
    again = LegAdded.model_validate(added.model_dump() | {"at": now()})
    await ledger.record([added])
    await ledger.record([again])
    [leg] = await rows_of(ledger, t.legs)
    assert leg["added_at"] == added.at


async def test_facts_without_their_call_are_kept(ledger):
    call = SampleCall("call-1")
    await ledger.record(call.ends())
    assert (await ledger.call("call-1")).end_reason == "caller_hung_up"


async def test_ticket_and_outbox_are_written_together(ledger):
    ticket = sample_ticket()
    await ledger.save_ticket(ticket, now())
    [entry] = await ledger.tickets()
    assert (entry.id, entry.revision, entry.state) == (ticket.ticket_id, 2, "queued")
    found, document = await ledger.ticket(ticket.ticket_id)
    assert found == entry
    assert document == ticket.model_dump(mode="json")


async def test_neither_ticket_nor_outbox_when_one_fails(ledger):
    async with ledger.write() as connection:
        await connection.execute(text("DROP TABLE deliveries"))
        await connection.execute(text("ALTER TABLE outbox RENAME TO elsewhere"))
    with pytest.raises(LedgerError):
        await ledger.save_ticket(sample_ticket(), now())
    assert await rows_of(ledger, t.tickets) == []


async def test_saving_a_revision_again_changes_nothing(ledger):
    ticket = sample_ticket()
    await ledger.save_ticket(ticket, now())
    await ledger.save_ticket(ticket, now())
    assert len(await rows_of(ledger, t.outbox)) == 1


async def test_revision_is_never_overwritten(ledger):
    ticket = sample_ticket()
    await ledger.save_ticket(ticket, now())
    with pytest.raises(LedgerRefused):
        await ledger.save_ticket(ticket.model_copy(update={"phase": "preliminary"}), now())


async def test_pages_of_tickets_go_back_in_time(ledger):
    ids = [f"0197a000-0000-7000-8000-00000000000{number}" for number in range(5)]
    for ticket_id in ids:
        for revision in (1, 2):
            ticket = sample_ticket().model_copy(
                update={"ticket_id": ticket_id, "revision": revision}
            )
            await ledger.save_ticket(ticket, now())
    first = await ledger.tickets(limit=2)
    second = await ledger.tickets(limit=2, before=first[-1].id)
    assert [entry.id for entry in first + second] == ids[:0:-1]
    assert {entry.revision for entry in first} == {2}


async def test_call_shows_its_tickets_state(ledger):
    ticket = sample_ticket()
    await ledger.record(SampleCall().started())
    await ledger.save_ticket(ticket, now())
    view = await ledger.call(ticket.call.call_id)
    assert (view.ticket.id, view.ticket.revision, view.ticket.state) == (
        ticket.ticket_id, 2, "queued",
    )  # fmt: skip


async def test_audit_chain_holds(ledger):
    assert await ledger.audit_broken_at() is None
    for subject in ("a", "b", "c"):
        await ledger.audit("wang", "reveal", subject, "why")
    assert await ledger.audit_broken_at() is None
    hashes = [row["hash"] for row in await rows_of(ledger, t.audit)]
    assert [row["previous_hash"] for row in await rows_of(ledger, t.audit)][1:] == hashes[:-1]


@pytest.mark.parametrize("change", [{"actor": "li"}, {"detail": ""}, {"subject": "x"}])
async def test_changed_audit_entry_shows(ledger, change):
    for subject in ("a", "b", "c"):
        await ledger.audit("wang", "reveal", subject, "why")
    async with ledger.write() as connection:
        await connection.execute(update(t.audit).where(t.audit.c.id == 2).values(**change))
    assert await ledger.audit_broken_at() == 2


async def test_removed_audit_entry_shows(ledger):
    for subject in ("a", "b", "c"):
        await ledger.audit("wang", "reveal", subject)
    async with ledger.write() as connection:
        await connection.execute(t.audit.delete().where(t.audit.c.id == 2))
    assert await ledger.audit_broken_at() == 3


async def test_time_without_offset_is_refused(ledger):
    naive = datetime(2026, 3, 2, 9, 0)  # noqa: DTZ001
    with pytest.raises(LedgerError):
        await ledger.save_ticket(sample_ticket(), naive)


async def test_errors_do_not_repeat_what_was_said(ledger):
    async with ledger.write() as connection:
        await connection.execute(text("DROP TABLE utterances"))
    with pytest.raises(LedgerError) as caught:
        await ledger.record(whole_call())
    assert "路灯" not in f"{caught.value} {caught.value.__cause__}"
    assert await ledger.position() == 0
