"""`liandong callbacks` on a real SQLite ledger."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from gateway.calls.facts import CallbackDue
from gateway.ledger.cli_callbacks import app
from gateway.ledger.repository import open_ledger
from gateway.tickets.sample import SampleCall

CALL = SampleCall("call-1")
DUE = CallbackDue(call_id="call-1", at=CALL.ends()[-1].at, centre="12345", why="queue_left")


class Cli:
    """The command over a ledger with one task."""

    def __init__(self, folder):
        self.url = f"sqlite+aiosqlite:///{folder}/ledger.db"
        self.config = folder / "liandong.toml"
        self.config.write_text(f'[ledger]\nurl = "{self.url}"\n')
        asyncio.run(self._fill())

    async def _fill(self):
        ledger = await open_ledger(self.url)
        await ledger.record([*CALL.started(), DUE])
        await ledger.close()

    def run(self, *args):
        return CliRunner().invoke(app, [*args, "--config", str(self.config)])

    def listed(self, *args):
        return json.loads(self.run("list", "--json", *args).stdout)


@pytest.fixture
def cli(tmp_path):
    return Cli(tmp_path)


def test_listed_with_the_number_masked_unless_revealed(cli):
    [task] = cli.listed()
    assert (task["state"], task["caller_number"]) == ("open", "138****1234")
    assert "138****1234" in cli.run("list").stdout
    [shown] = cli.listed("--reveal")
    assert shown["caller_number"] == "13812341234"


def test_taken_and_done(cli):
    [task] = cli.listed()
    assert "taken" in cli.run("take", task["number"], "--agent", "1001").stdout
    done = cli.run("done", task["number"], "reached", "--agent", "1001")
    assert done.exit_code == 0, done.output
    assert cli.listed() == []
    [ended] = cli.listed("--state", "done")
    assert (ended["done_by"], ended["outcome"]) == ("1001", "reached")
    again = cli.run("take", task["number"])
    assert again.exit_code == 2
    assert "done already" in again.output


def test_what_does_not_exist_is_said(cli):
    refused = cli.run("take", "CB-12345-20260302-0099")
    assert refused.exit_code == 2
    assert "liandong callbacks list" in refused.output
