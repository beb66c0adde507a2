"""Migrations make exactly the tables of `ledger/tables.py`, whoever runs them and how often."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from gateway.errors import ConfigError, LedgerError
from gateway.ledger.repository import open_ledger
from gateway.ledger.tables import metadata


async def test_migrated_database_is_the_tables(tmp_path):
    ledger = await open_ledger(f"sqlite+aiosqlite:///{tmp_path}/ledger.db")
    async with ledger.read() as connection:
        context = await connection.run_sync(MigrationContext.configure)
        differences = await connection.run_sync(lambda _: compare_metadata(context, metadata))
    await ledger.close()
    assert differences == []


async def test_processes_may_open_a_new_ledger_at_once(tmp_path):
    url = f"sqlite+aiosqlite:///{tmp_path}/ledger.db"
    ledgers = await asyncio.gather(*(open_ledger(url) for _ in range(4)))
    counts = [await ledger.position() for ledger in ledgers]
    for ledger in ledgers:
        await ledger.close()
    assert counts == [0, 0, 0, 0]


async def test_sqlite_is_set_to_be_shared(tmp_path):
    ledger = await open_ledger(f"sqlite+aiosqlite:///{tmp_path}/ledger.db")
    async with ledger.read() as connection:
        shown = {
            name: await connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }
    await ledger.close()
    assert shown == {
        "journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 5000, "synchronous": 2,
    }  # fmt: skip


@pytest.mark.parametrize("url", ["not an address", "nosuch+driver:///x"])
async def test_unusable_address_names_the_setting(url):
    with pytest.raises(ConfigError, match=r"ledger\.url"):
        await open_ledger(url)


async def test_missing_folder_is_named(tmp_path):
    with pytest.raises(LedgerError, match="no/such/folder"):
        await open_ledger(f"sqlite+aiosqlite:///{tmp_path}/no/such/folder/ledger.db")
