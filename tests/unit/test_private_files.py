"""What people said is readable by the gateway's own user alone."""

import os
import stat

import pytest

from gateway import app
from gateway.calls.journal import Journal
from gateway.ledger.repository import Ledger
from gateway.settings import Settings


@pytest.fixture
def open_umask():
    """The most careless umask a service can be started with."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("start", "works"),
    [
        (app.run_control, "gateway.control.Control.run"),
        (app.run_recognition, "gateway.speech.worker.run"),
        (app.run_delivery, "gateway.tickets.delivery.run"),
    ],
)
def test_whatever_a_role_makes_is_its_own(open_umask, tmp_path, monkeypatch, start, works):
    async def make(*_args, **_more):
        (tmp_path / "folder").mkdir()
        (tmp_path / "file").touch()

    monkeypatch.setattr(works, make)
    monkeypatch.setattr("gateway.control.Control.__init__", lambda *_args: None)
    start(Settings())
    assert (mode(tmp_path / "folder"), mode(tmp_path / "file")) == (0o700, 0o600)


async def test_ledger_is_private_whoever_makes_it(open_umask, tmp_path):
    """`liandong tickets` may be the first to use it, and other tools than ours run beside us."""
    ledger = Ledger(f"sqlite+aiosqlite:///{tmp_path}/ledger.sqlite3")
    async with ledger.write() as connection:
        await connection.exec_driver_sql("SELECT 1")
        modes = {path.name: mode(path) for path in tmp_path.iterdir()}
    await ledger.close()
    assert "ledger.sqlite3-wal" in modes
    assert set(modes.values()) == {0o600}


def test_journal_is_private(open_umask, tmp_path):
    Journal(tmp_path / "journal").close()
    assert mode(tmp_path / "journal") == 0o700
