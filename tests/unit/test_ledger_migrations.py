"""Migrations make exactly the tables of `ledger/tables.py`, whoever runs them and how often."""

import asyncio

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.errors import ConfigError, LedgerError
from gateway.ledger.engine import _newest
from gateway.ledger.repository import open_ledger
from gateway.ledger.tables import metadata


async def test_migrated_database_is_the_tables(tmp_path):
    ledger = await open_ledger(f"sqlite+aiosqlite:///{tmp_path}/ledger.db")
    async with ledger.read() as connection:
        context = await connection.run_sync(MigrationContext.configure)
        differences = await connection.run_sync(lambda _: compare_metadata(context, metadata))
    await ledger.close()
    assert differences == []


def test_the_newest_revision_is_the_one_that_alembic_knows():
    config = Config()
    config.set_main_option("script_location", "gateway.ledger:migrations")
    assert _newest() == ScriptDirectory.from_config(config).get_current_head()


@pytest.mark.parametrize("version", ["current", "9999"])
async def test_a_ledger_that_lacks_nothing_is_opened_without_alembic(
    tmp_path, monkeypatch, version
):
    url = f"sqlite+aiosqlite:///{tmp_path}/ledger.db"
    ledger = await open_ledger(url)
    if version != "current":
        async with ledger.write() as connection:
            await connection.execute(text(f"UPDATE alembic_version SET version_num = {version!r}"))
    await ledger.close()
    monkeypatch.setattr("alembic.command.upgrade", None)
    ledger = await open_ledger(url)
    assert await ledger.position() == 0
    await ledger.close()


async def test_a_ledger_of_an_earlier_version_is_upgraded(tmp_path):
    url = f"sqlite+aiosqlite:///{tmp_path}/ledger.db"
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(_upgraded_to, "0001")
    await engine.dispose()
    ledger = await open_ledger(url)
    async with ledger.read() as connection:
        context = await connection.run_sync(MigrationContext.configure)
        differences = await connection.run_sync(lambda _: compare_metadata(context, metadata))
    await ledger.close()
    assert differences == []


def _upgraded_to(connection, revision):
    config = Config()
    config.set_main_option("script_location", "gateway.ledger:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


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
