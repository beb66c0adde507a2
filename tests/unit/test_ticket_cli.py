"""`liandong tickets` on a real SQLite ledger."""

import asyncio
import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from gateway.clock import now
from gateway.ledger import tables as t
from gateway.ledger.repository import open_ledger
from gateway.settings import CONFIG_ENV
from gateway.tickets.cli import app
from gateway.tickets.sample import sample_ticket

TICKET = sample_ticket()


class Cli:
    """The command, its settings file and its ledger."""

    def __init__(self, folder):
        self.url = f"sqlite+aiosqlite:///{folder}/ledger.db"
        self.config = folder / "liandong.toml"
        self.config.write_text(f'[ledger]\nurl = "{self.url}"\n')

    def run(self, *args):
        return CliRunner().invoke(app, [*args, "--config", str(self.config)])

    def with_ledger(self, work):
        async def inside():
            ledger = await open_ledger(self.url)
            try:
                return await work(ledger)
            finally:
                await ledger.close()

        return asyncio.run(inside())

    def given_ticket(self, state="queued", revision=1, settled_ago=timedelta()):
        async def work(ledger):
            ticket = TICKET.model_copy(update={"revision": revision})
            await ledger.save_ticket(ticket, now())
            error = "400 Bad Request" if state == "dead" else ""
            row = {"state": state, "error": error, "settled_at": now() - settled_ago}
            async with ledger.write() as connection:
                which = t.outbox.c.revision == revision
                await connection.execute(update(t.outbox).where(which).values(**row))

        self.with_ledger(work)

    def outbox(self):
        async def work(ledger):
            async with ledger.read() as connection:
                rows = await connection.execute(select(t.outbox).order_by(t.outbox.c.revision))
                return [(row.state, row.attempts, row.webhook_id) for row in rows]

        return self.with_ledger(work)

    def audited(self):
        async def work(ledger):
            async with ledger.read() as connection:
                rows = await connection.execute(select(t.audit))
                return [(row.action, row.subject, row.detail) for row in rows]

        return self.with_ledger(work)


@pytest.fixture
def cli(tmp_path, monkeypatch):
    monkeypatch.setenv(CONFIG_ENV, "")  # put back afterwards what --config sets
    return Cli(tmp_path)


def test_list_shows_the_newest_revision(cli):
    assert "No tickets yet" in cli.run("list").stdout
    cli.given_ticket("delivered", revision=1)
    cli.given_ticket("queued", revision=2)
    shown = cli.run("list").stdout
    assert shown.count(TICKET.ticket_id) == 1
    assert "queued" in shown


def test_list_dead_shows_what_was_given_up(cli):
    assert "No dead tickets" in cli.run("list", "--dead").stdout
    cli.given_ticket("dead", revision=1)
    cli.given_ticket("delivered", revision=2)
    shown = cli.run("list", "--dead").stdout
    assert "dead" in shown
    assert "delivered" not in shown


def test_show_masks_numbers(cli):
    cli.given_ticket()
    result = cli.run("show", TICKET.ticket_id)
    assert json.loads(result.stdout)["caller"]["number"] == "138****1234"
    assert f"webhook-id msg_{TICKET.ticket_id}_r1" in result.stderr
    assert cli.audited() == []


def test_reveal_is_audited(cli):
    cli.given_ticket()
    result = cli.run("show", TICKET.ticket_id, "--reveal")
    assert json.loads(result.stdout)["caller"]["number"] == "13812341234"
    assert cli.audited() == [("ticket.reveal", TICKET.ticket_id, "")]


def test_replay_sends_dead_revisions_again(cli):
    cli.given_ticket("dead", revision=1)
    cli.given_ticket("delivered", revision=2)
    result = cli.run("replay", TICKET.ticket_id)
    assert result.exit_code == 0
    assert f"queued again: {TICKET.ticket_id} revision 1 (was dead)" in result.stdout
    assert cli.outbox() == [
        ("queued", 0, f"msg_{TICKET.ticket_id}_r1"),
        ("delivered", 0, f"msg_{TICKET.ticket_id}_r2"),
    ]
    assert cli.audited() == [("ticket.replay", TICKET.ticket_id, "revision 1, was dead")]


def test_replay_of_a_delivered_ticket_sends_its_newest_revision(cli):
    cli.given_ticket("delivered", revision=1)
    cli.given_ticket("delivered", revision=2)
    cli.run("replay", TICKET.ticket_id)
    assert [state for state, _, _ in cli.outbox()] == ["delivered", "queued"]


def test_replay_leaves_alone_what_is_on_its_way(cli):
    cli.given_ticket("retrying")
    result = cli.run("replay", TICKET.ticket_id)
    assert result.exit_code == 2
    assert "still retrying" in result.stderr
    assert [state for state, _, _ in cli.outbox()] == ["retrying"]


def test_replay_dead_since(cli):
    cli.given_ticket("dead", revision=1, settled_ago=timedelta(hours=3))
    cli.given_ticket("dead", revision=2, settled_ago=timedelta(minutes=30))
    assert cli.run("replay", "--dead", "--since", "1h").exit_code == 0
    assert [state for state, _, _ in cli.outbox()] == ["dead", "queued"]
    early = (now() - timedelta(days=1)).isoformat()
    assert cli.run("replay", "--dead", "--since", early).exit_code == 0
    assert [state for state, _, _ in cli.outbox()] == ["queued", "queued"]
    assert "Nothing to send again" in cli.run("replay", "--dead").stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["replay"], "give either a ticket's ID or --dead"),
        (["replay", "x", "--dead"], "give either a ticket's ID or --dead"),
        (["replay", "x", "--since", "1h"], "--since goes with --dead"),
        (["replay", "--dead", "--since", "lately"], "neither a span"),
        (["replay", "no-such"], "no ticket no-such"),
        (["show", "no-such"], "no ticket no-such"),
    ],
)
def test_mistakes_are_named(cli, args, message):
    result = cli.run(*args)
    assert result.exit_code == 2
    assert message in result.stderr


def test_missing_settings_file_is_named(cli):
    result = CliRunner().invoke(app, ["list", "--config", "/no/such.toml"])
    assert result.exit_code == 2
    assert "/no/such.toml" in result.stderr
