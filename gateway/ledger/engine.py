"""Engines: SQLite tuned to be shared by processes, and the schema brought up to date.

SQLite runs in WAL so that readers never wait for the writer; a transaction that will write says
so at its start (BEGIN IMMEDIATE), because one that upgrades later is refused outright when another
process wrote in between (https://www.sqlite.org/rescode.html#busy_snapshot).
"""

import asyncio
import os
import sqlite3
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gateway.errors import ConfigError, LedgerError

BUSY_MS = 5000
_WAL_TRIES, _WAL_AGAIN_S = 20, 0.1
_WRITES = "liandong_writes"
_VERSION_TABLE = "alembic_version"
_MIGRATION_LOCK = 0x4C44_4D49
"""PostgreSQL advisory lock held while migrating: processes start at the same time."""


def make_engine(url: str, busy_ms: int = BUSY_MS) -> AsyncEngine:
    """Return an engine for `url`; nothing is connected yet.

    `busy_ms` is how long SQLite waits for another process's lock. Raises ConfigError.
    """
    try:
        engine = create_async_engine(url, hide_parameters=True, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigError(
            f"ledger.url cannot be used ({error}); use sqlite+aiosqlite:///FILE, or "
            "postgresql+asyncpg://USER:PASSWORD@HOST/NAME with asyncpg installed"
        ) from error
    if make_url(url).get_backend_name() == "sqlite":
        _tune_sqlite(engine, busy_ms)
    return engine


def writer(engine: AsyncEngine) -> AsyncEngine:
    """Return the same engine and pool, whose transactions take the write lock first."""
    return engine.execution_options(**{_WRITES: True})


def _tune_sqlite(engine: AsyncEngine, busy_ms: int) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def _connected(dbapi: Any, _record: Any) -> None:
        dbapi.isolation_level = None  # SQLAlchemy's own BEGIN below, not the driver's
        cursor = dbapi.cursor()
        cursor.execute(f"PRAGMA busy_timeout={busy_ms}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


async def migrate(engine: AsyncEngine) -> None:
    """Bring the schema up to date; safe when several processes do so at once."""
    if engine.dialect.name == "sqlite":
        _check_folder(engine.url.database)
        _make_private(engine.url.database)
        await _switch_to_wal(engine)
    async with writer(engine).begin() as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK}
            )
        await connection.run_sync(_upgrade)


def _check_folder(database: str | None) -> None:
    if database and not Path(database).absolute().parent.is_dir():
        raise LedgerError(
            f"ledger.url: there is no folder {Path(database).absolute().parent}; create it, "
            "writable for the gateway's user"
        )


def _make_private(database: str | None) -> None:
    """Make the file before SQLite does, readable by us alone; -wal and -shm take its mode."""
    if database and database != ":memory:":
        os.close(os.open(database, os.O_RDWR | os.O_CREAT, 0o600))


async def _switch_to_wal(engine: AsyncEngine) -> None:
    """Where two switch at once SQLite refuses one of them without waiting: it comes again."""
    for left in reversed(range(_WAL_TRIES)):
        try:
            async with engine.connect() as connection:
                await connection.run_sync(_wal)
        except sqlite3.OperationalError:
            if not left:
                raise
            await asyncio.sleep(_WAL_AGAIN_S)
        else:
            return


def _wal(connection: Connection) -> None:
    # By the driver, outside any transaction: SQLite refuses to change the journal mode inside one.
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.close()


def _upgrade(connection: Connection) -> None:
    """Alembic, slow to load while calls wait, is asked only where something is missing.

    A schema of a later version has all that we need: tables are only ever added to.
    """
    if inspect(connection).has_table(_VERSION_TABLE):
        version = connection.scalar(text(f"SELECT version_num FROM {_VERSION_TABLE}"))  # noqa: S608
        if version and version >= _newest():
            return
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "gateway.ledger:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _newest() -> str:
    """The last revision, from the modules' names: `versions/v000N_what.py`."""
    names = (one.name for one in files("gateway.ledger.migrations.versions").iterdir())
    return max(name[1:5] for name in names if name.startswith("v0"))
