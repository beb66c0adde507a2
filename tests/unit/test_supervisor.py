"""`serve` keeps its processes running, and none outlives it. Real processes."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from process_watch import PATIENCE_S, lines_of, python, runs, until_gone, until_lines

from gateway import supervisor

WAITS = (
    "import signal; from gateway.supervisor import stop_with_supervisor as s; s(); signal.pause()"
)


def script(path: Path, then: str) -> list[str]:
    """A role that writes its name and pid on a line of `path`, then does `then`."""
    told = f"import os, sys; open({str(path)!r}, 'a').write('{{role}} %d\\n' % os.getpid())"
    return [sys.executable, "-c", f"{told}\n{then}"]


def term() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture(autouse=True)
def _pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(supervisor, "_LONGEST_PAUSE_S", 0.05)
    monkeypatch.setattr(supervisor, "_GRACE_S", 60.0)


async def supervised(argv: list[str], *roles: str) -> "asyncio.Task[int]":
    task = asyncio.create_task(supervisor.supervise(argv, roles))
    await asyncio.sleep(0)
    return task


async def ended(task: "asyncio.Task[int]") -> int:
    try:
        return await asyncio.wait_for(task, PATIENCE_S)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)


async def test_a_role_that_ends_is_started_again_with_growing_pauses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(supervisor._log, "error", lambda _what, **told: pauses.append(told["in_s"]))
    task = await supervised(script(tmp_path / "told", "sys.exit(1)"), "control")
    await until_lines(tmp_path / "told", 5)
    term()
    assert await ended(task) == 0
    assert pauses[:4] == [0.01, 0.02, 0.04, 0.05]


async def test_a_role_that_ran_well_is_started_again_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(supervisor, "_WELL_S", 0.0)
    monkeypatch.setattr(supervisor._log, "error", lambda _what, **told: pauses.append(told["in_s"]))
    task = await supervised(script(tmp_path / "told", "sys.exit(1)"), "control")
    await until_lines(tmp_path / "told", 4)
    term()
    await ended(task)
    assert set(pauses) == {0.01}


async def test_ex_config_of_one_stops_all(tmp_path: Path) -> None:
    told = tmp_path / "told"
    then = f"""
if '{{role}}' == 'control':
    while len(open({str(told)!r}).readlines()) < 2:
        time.sleep(0.01)
    sys.exit(os.EX_CONFIG)
{WAITS}"""
    task = await supervised(script(told, f"import time{then}"), "control", "deliver")
    assert await ended(task) == os.EX_CONFIG
    lines = lines_of(told)
    assert sorted(line.split()[0] for line in lines) == ["control", "deliver"]
    for line in lines:
        assert not runs(int(line.split()[1]))


async def test_a_role_named_twice_runs_twice_with_a_number_each(tmp_path: Path) -> None:
    then = "from gateway.supervisor import number; print(number(), file=open({}, 'a'))"
    told = tmp_path / "told"
    argv = [sys.executable, "-c", then.format(repr(str(told))) + f"\n{WAITS}"]
    task = await supervised(argv, "recognise", "recognise")
    lines = await until_lines(told, 2)
    term()
    assert await ended(task) == 0
    assert sorted(lines) == ["0", "1"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_children(tmp_path: Path, number: signal.Signals) -> None:
    task = await supervised(script(tmp_path / "told", WAITS), "control", "recognise")
    lines = await until_lines(tmp_path / "told", 2)
    os.kill(os.getpid(), number)
    assert await ended(task) == 0
    assert not any(runs(int(line.split()[1])) for line in lines)


async def test_a_child_that_will_not_stop_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_GRACE_S", 0.1)
    told = tmp_path / "told"
    deaf = f"""
import signal
signal.signal(15, signal.SIG_IGN)
open({str(told)!r}, 'a').write('deaf\\n')
while True:
    signal.pause()
"""
    task = await supervised(script(told, deaf), "control")
    [line, _] = await until_lines(told, 2)
    term()
    assert await ended(task) == 0
    assert not runs(int(line.split()[1]))


async def test_children_stop_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    argv = script(tmp_path / "told", WAITS)
    boss = python(
        "import asyncio; from gateway.supervisor import supervise;"
        f"asyncio.run(supervise({argv!r}, ['control', 'deliver']))"
    )
    try:
        lines = await until_lines(tmp_path / "told", 2)
    finally:
        boss.kill()
        boss.wait(PATIENCE_S)
    for line in lines:
        await until_gone(int(line.split()[1]))


def test_on_its_own_a_process_does_not_watch_its_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(supervisor.SUPERVISED_ENV, raising=False)
    monkeypatch.setattr(supervisor.threading, "Thread", None)
    supervisor.stop_with_supervisor()
