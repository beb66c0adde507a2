"""The lab's child processes never outlive it."""

import os
import signal
from pathlib import Path

import pytest
from process_watch import PATIENCE_S, python, runs, until_gone, until_lines

from gateway.errors import LabError
from gateway.lab.processes import Child, children_of, spawn

DEAF = "trap '' TERM; sleep 60 & trap '' TERM; echo $!; wait; wait; wait"


async def first_line(path: Path) -> str:
    return (await until_lines(path, 1))[0]


async def shell(command: str, log: Path) -> Child:
    return await spawn("shell", ["sh", "-c", command], log)


@pytest.mark.parametrize("command", ["sleep 60 & echo $!; wait", DEAF], ids=["polite", "deaf"])
async def test_stop_ends_the_whole_group(tmp_path: Path, command: str) -> None:
    child = await shell(command, tmp_path / "log")
    grandchild = int(await first_line(tmp_path / "log"))
    await child.stop(grace_s=0.2)
    assert not child.running
    await until_gone(grandchild)


async def test_stop_again_does_nothing(tmp_path: Path) -> None:
    child = await shell("exit 3", tmp_path / "log")
    assert await child.process.wait() == 3
    await child.stop()


async def test_ctrl_c_does_not_reach_a_child(tmp_path: Path) -> None:
    child = await shell("echo ready; exec sleep 60", tmp_path / "log")
    await first_line(tmp_path / "log")
    assert os.getpgid(child.pid) == child.pid
    assert child.pid in children_of(os.getpid())
    await child.stop()


async def test_the_log_has_what_was_said_and_the_environment(tmp_path: Path) -> None:
    log = tmp_path / "new" / "log"
    argv = ["sh", "-c", 'echo one; echo "$WHO" >&2']
    child = await spawn("shell", argv, log, {"WHO": "two"})
    await child.process.wait()
    assert child.tail() == "one\ntwo"
    assert child.tail(1) == "two"


async def test_without_setpriv_the_message_names_the_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match="cannot start asterisk"):
        await spawn("asterisk", ["true"], tmp_path / "log", {"PATH": str(tmp_path)})


async def test_a_child_ends_with_a_lab_that_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    lab = (
        "import asyncio, pathlib; from gateway.lab.processes import spawn\n"
        "async def main():\n"
        f"    log = pathlib.Path({str(log)!r})\n"
        "    child = await spawn('s', ['sh', '-c', 'echo $$; exec sleep 60'], log)\n"
        "    await child.process.wait()\n"
        "asyncio.run(main())\n"
    )
    boss = python(lab)
    try:
        pid = int(await first_line(log))
        assert runs(pid)
    finally:
        boss.send_signal(signal.SIGKILL)
        boss.wait(PATIENCE_S)
    await until_gone(pid)
