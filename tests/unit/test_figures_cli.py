"""`liandong figures` on a real SQLite ledger."""

import asyncio
import csv
import io
import json

import pytest
from typer.testing import CliRunner

from gateway.ledger.cli import app
from gateway.ledger.repository import open_ledger
from gateway.settings import CONFIG_ENV
from gateway.tickets.sample import SampleCall

DAY = ["--from", "2026-03-02", "--to", "2026-03-03", "--status", "Test"]
CALLS = ["0197a000-0000-7000-8000-0000000000a1", "0197a000-0000-7000-8000-0000000000a2"]


class Cli:
    """The command, its settings file and a ledger with two calls nobody has logged yet."""

    def __init__(self, folder):
        self.config = folder / "liandong.toml"
        self.url = f"sqlite+aiosqlite:///{folder}/ledger.db"
        centre = '[[centres]]\ncode = "12345"\nname = "政务热线"\nqueue = "12345"\n'
        self.config.write_text(f'[ledger]\nurl = "{self.url}"\n{centre}')

        for call in map(SampleCall, CALLS):
            self.tell([*call.started(), *call.rings(), *call.answers(), *call.ends()])

    def tell(self, facts):
        async def inside():
            ledger = await open_ledger(self.url)
            await ledger.record(facts)
            await ledger.close()

        asyncio.run(inside())

    def run(self, *args):
        # Options go before a subcommand.
        own = ["rebuild", "--config", str(self.config), *args[1:]]
        return CliRunner().invoke(
            app, own if args[:1] == ("rebuild",) else [*args, "--config", str(self.config)]
        )


@pytest.fixture
def cli(tmp_path, monkeypatch):
    monkeypatch.setenv(CONFIG_ENV, "")  # put back afterwards what --config sets
    monkeypatch.setenv("COLUMNS", "200")
    return Cli(tmp_path)


def test_old_calls_are_told_of_and_counted_after_rebuild(cli):
    before = cli.run(*DAY, "--json")
    assert "2 ended calls are not counted yet: run `liandong figures rebuild`" in before.stderr
    assert json.loads(before.stdout)[0]["offered"] == 0
    assert "2 calls logged" in cli.run("rebuild").stdout
    assert "0 calls logged" in cli.run("rebuild").stdout
    assert "2 calls logged" in cli.run("rebuild", "--all").stdout
    found = json.loads(cli.run(*DAY, "--json").stdout)
    assert [(one["centre"], one["answered"]) for one in found] == [("12345", 2), ("", 2)]
    assert found[0]["start"] == "2026-03-02T00:00:00+08:00"


def test_table_and_csv_say_the_same(cli):
    cli.run("rebuild")
    table = cli.run(*DAY, "--centre", "12345")
    assert table.exit_code == 0
    assert "接通率" in table.stdout
    assert "100.0%" in table.stdout
    (row,) = csv.DictReader(io.StringIO(cli.run(*DAY, "--centre", "12345", "--csv").stdout))
    assert (row["answered"], row["connection_rate"], row["wait_p50_ms"]) == ("2", "1.0", "4000")


def test_a_line_a_day(cli):
    cli.run("rebuild")
    rows = json.loads(cli.run(*DAY, "--per", "day", "--centre", "12345", "--json").stdout)
    assert [(row["start"][:10], row["offered"]) for row in rows] == [("2026-03-02", 2)]


def test_calls_one_by_one_with_masked_numbers(cli):
    call = SampleCall("0197a000-0000-7000-8000-0000000000a3")
    started, added = call.started()[:2]
    cli.tell([started, added, *[fact for fact in call.ends() if fact.kind != "transfer.changed"]])
    cli.run("rebuild")
    listed = [*DAY, "--list", "abandoned"]
    (found,) = json.loads(cli.run(*listed, "--json").stdout)
    assert (found["caller_number"], found["wait_ms"]) == ("138****1234", 60_000)
    assert found["started_at"] == "2026-03-02T09:30:00+08:00"
    assert "138****1234" in cli.run(*listed).stdout
    assert "138****1234" in cli.run(*listed, "--csv").stdout
    assert json.loads(cli.run(*DAY, "--list", "lost", "--json").stdout) == []
    assert cli.run(*DAY, "--list", "lost", "--csv").stdout.startswith("id,centre,caller_number")


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["--from", "yesterday"], "neither a date"),
        (["--from", "2026-03-02", "--to", "2026-03-02"], "--to must be later"),
        (["--centre", "119"], "none of 12345"),
        (["--json", "--csv"], "not both"),
    ],
)
def test_mistakes_name_the_fix(cli, args, hint):
    done = cli.run(*args)
    assert done.exit_code == 2
    assert hint in done.stderr
