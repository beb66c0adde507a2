"""The ledger on a real PostgreSQL, where this machine has the server and asyncpg."""

import asyncio
import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from gateway.calls.callback_task import Hand
from gateway.calls.facts import CallbackDue
from gateway.clock import now
from gateway.errors import CallbackNotYours, LedgerError, LedgerRefused
from gateway.lab.ports import free_port
from gateway.ledger.repository import open_ledger
from gateway.ledger.tables import metadata
from gateway.tickets.outbox import Attempt, Outbox
from gateway.tickets.replay import replay_dead
from gateway.tickets.retry import Outcome
from gateway.tickets.sample import SampleCall, fold, sample_ticket

pytest.importorskip("asyncpg", reason="asyncpg is not installed")

CALL = SampleCall("call-1")
FACTS = [
    *CALL.started(), *CALL.rings(), *CALL.answers(), *CALL.ends(), *CALL.closed(), CALL.decided(),
]  # fmt: skip
TICKET = sample_ticket()
LEASE = timedelta(seconds=30)


def programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (found[-1] if found else None)
    if initdb is None:
        pytest.skip("no PostgreSQL server on this machine")
    return Path(initdb).resolve().parent


@pytest.fixture(scope="module")
def folder():
    """An empty folder that another user can reach, which pytest's own are not."""
    with TemporaryDirectory(prefix="liandong-postgres-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def postgres(folder):
    """A private server; its address. PostgreSQL refuses to run as root: nobody runs it."""
    user = {}
    if os.geteuid() == 0:
        user = {"user": 65534, "group": 65534, "extra_groups": []}
        os.chown(folder, 65534, 65534)
    bin_, data, port = programs(), folder / "data", free_port()
    quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **user}
    init = [bin_ / "initdb", "-D", data, "-U", "liandong", "--auth=trust", "-E", "UTF8"]
    subprocess.run(init, check=True, **quiet)
    server = [bin_ / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen([*server, "-k", folder, "-c", "fsync=off"], **quiet) as running:
        try:
            wait_until_ready(
                [bin_ / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], running
            )
            yield f"postgresql+asyncpg://liandong@127.0.0.1:{port}/postgres"
        finally:
            running.terminate()


def wait_until_ready(question, server):
    deadline = monotonic() + 30
    while subprocess.run(question, check=False).returncode:
        assert server.poll() is None, "PostgreSQL ended"
        assert monotonic() < deadline, "PostgreSQL did not start"


@pytest.fixture
async def ledgers(postgres):
    """The same ledger, opened by four at once."""
    ledgers = await asyncio.gather(*(open_ledger(postgres) for _ in range(4)))
    yield ledgers
    for ledger in ledgers:
        await ledger.close()


async def test_migrated_database_is_the_tables(ledgers):
    async with ledgers[0].read() as connection:
        context = await connection.run_sync(MigrationContext.configure)
        assert await connection.run_sync(lambda _: compare_metadata(context, metadata)) == []


async def test_facts_are_kept_once_and_in_order(ledgers):
    assert await ledgers[0].record(FACTS[:7]) == 7
    assert await ledgers[1].record(FACTS) == len(FACTS) - 7
    assert await ledgers[2].record(FACTS) == 0
    assert await ledgers[3].call("call-1") == fold("call-1", FACTS)


async def test_refused_values_are_told_from_an_outage(ledgers):
    nul = CALL.said("nul", CALL.caller, 3, "a\0b")
    with pytest.raises(LedgerRefused):
        await ledgers[0].record([nul])
    with pytest.raises(LedgerError) as caught:
        await open_ledger(f"postgresql+asyncpg://liandong@127.0.0.1:{free_port()}/postgres")
    assert not isinstance(caught.value, LedgerRefused)


async def test_outbox_leases_in_order_and_replays(ledgers):
    for revision, phase in ((1, "preliminary"), (2, "final")):
        update = {"revision": revision, "phase": phase}
        await ledgers[0].save_ticket(TICKET.model_copy(update=update), now())
    outboxes = [Outbox(ledger) for ledger in ledgers]
    claims = await asyncio.gather(
        *(outbox.claim(f"process {n}", 5, now(), LEASE) for n, outbox in enumerate(outboxes))
    )
    [message] = [message for messages in claims for message in messages]
    assert (message.revision, message.attempt) == (1, 1)
    gone = Attempt(now(), now(), Outcome("gone", 410, "410 Gone"))
    assert await outboxes[0].settle(message, gone)
    assert [entry.revision for entry in await ledgers[0].dead()] == [1, 2]
    replayed = await replay_dead(ledgers[0], now() - timedelta(days=1), now(), "test")
    assert [one.revision for one in replayed] == [1, 2]
    assert (await outboxes[0].next_due()) <= now()


async def test_audit_chain_holds_among_rivals(ledgers):
    await asyncio.gather(*(ledger.audit("a", "b", str(n)) for n, ledger in enumerate(ledgers * 5)))
    assert await ledgers[0].audit_broken_at() is None


async def test_rivals_number_callbacks_and_one_takes_each(ledgers):
    at = FACTS[0].at
    due = [
        CallbackDue(call_id=f"gone-{n}", at=at, centre="12345", why="caller_gone")
        for n in range(12)
    ]
    await asyncio.gather(*(ledgers[n % 4].record([fact]) for n, fact in enumerate(due)))
    numbers = sorted(one.number for one in await ledgers[0].callbacks(["open"], "", 50))
    assert [number[-4:] for number in numbers] == [f"{place:04d}" for place in range(1, 13)]
    hands = [Hand(str(n)) for n in range(4)]
    taken = await asyncio.gather(
        *(
            ledger.take_callback(numbers[0], hand)
            for ledger, hand in zip(ledgers, hands, strict=True)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(one, CallbackNotYours) for one in taken) == 3
    assert await ledgers[0].audit_broken_at() is None
