"""`serve` keeps its processes running, and none outlives it. Real processes."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from process_watch import PATIENCE_S, lines_of, python, runs, until_gone, until_lines

from gateway import supervised

PROGRAM = """
import os, signal, sys
from gateway import supervised, supervisor
from gateway.supervisor import Role, supervise

def tell(*words):
    with open({told!r}, "a") as file:
        file.write(" ".join(map(str, words)) + "\\n")

def here(name):
    tell(name, os.getpid())

def waits():
    signal.pause()

supervisor._FIRST_PAUSE_S, supervisor._LONGEST_PAUSE_S, supervisor._GRACE_S = 0.01, 0.05, 60.0
supervisor._log.error = lambda _what, **about: tell("pause", about.get("in_s", 0))
{body}
sys.exit(supervise(roles))
"""


class Boss:
    """Starts programs that supervise; `told` is what they and their roles have said."""

    def __init__(self, folder: Path) -> None:
        self.told = folder / "told"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, body: str) -> None:
        self.process = python(PROGRAM.format(told=str(self.told), body=body))

    async def says(self, count: int) -> list[str]:
        return await until_lines(self.told, count)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def ended(self) -> int:
        assert self.process is not None
        return self.process.wait(PATIENCE_S)

    def lines(self, first: str) -> list[str]:
        """What was said after this word, in each line that begins with it."""
        return [line.split()[1] for line in lines_of(self.told) if line.split()[0] == first]


@pytest.fixture
def boss(tmp_path: Path) -> Iterator[Boss]:
    boss = Boss(tmp_path)
    yield boss
    if boss.process is not None:
        boss.process.kill()
        boss.process.wait()


async def test_a_role_that_ends_is_started_again_with_growing_pauses(boss: Boss) -> None:
    boss.start("roles = [Role('control', lambda: here('control') or 1)]")
    await boss.says(10)
    boss.signal(signal.SIGTERM)
    assert boss.ended() == 0
    assert boss.lines("pause")[:4] == ["0.01", "0.02", "0.04", "0.05"]


async def test_a_role_that_ran_well_is_started_again_at_once(boss: Boss) -> None:
    boss.start("supervisor._WELL_S = 0.0\nroles = [Role('control', lambda: here('control') or 1)]")
    await boss.says(8)
    boss.signal(signal.SIGTERM)
    boss.ended()
    assert set(boss.lines("pause")) == {"0.01"}


CONFIG = """
def control():
    here("control")
    while len(open({told!r}).readlines()) < 2:
        os.sched_yield()
    return os.EX_CONFIG
roles = [Role("control", control), Role("deliver", lambda: here("deliver") or waits())]
"""


async def test_ex_config_of_one_stops_all(boss: Boss) -> None:
    boss.start(CONFIG.format(told=str(boss.told)))
    assert boss.ended() == os.EX_CONFIG
    assert len(lines_of(boss.told)) == 2
    for role in ("control", "deliver"):
        [pid] = boss.lines(role)
        assert not runs(int(pid))


async def test_ex_config_after_the_start_stops_nobody(boss: Boss) -> None:
    boss.start(
        "supervisor._STARTING_S = 0.0\nroles = [Role('control', lambda: here('c') or os.EX_CONFIG)]"
    )
    await boss.says(4)
    boss.signal(signal.SIGTERM)
    assert boss.ended() == 0


async def test_a_role_is_told_by_its_process_name(boss: Boss) -> None:
    boss.start("roles = [Role('recognise', lambda: here('r') or waits())] * 2")
    lines = await boss.says(2)
    assert [supervised.role_of(int(line.split()[1])) for line in lines] == ["recognise"] * 2
    assert supervised.role_of(os.getpid()) == ""


async def test_a_role_that_dies_says_where_and_not_what(
    boss: Boss, capfd: pytest.CaptureFixture[str]
) -> None:
    boss.start("def dies():\n    raise ValueError('张三')\nroles = [Role('control', dies)]")
    await boss.says(2)
    boss.signal(signal.SIGTERM)
    assert boss.ended() == 0
    said = capfd.readouterr().err
    assert "control died\nbuiltins.ValueError" in said
    assert "in dies" in said
    assert "张三" not in said


WAITER = """
def first(name):
    here(name)
    {before}
    signal.pause()
roles = [
    Role("deliver", lambda: here("deliver") or waits(), waits=True),
    Role("control", lambda: first("control")),
    Role("recognise", lambda: first("recognise")),
]
"""


async def test_who_waits_starts_once_the_others_are_ready(boss: Boss) -> None:
    boss.start(WAITER.format(before="tell(name, 0); supervised.ready()"))
    lines = await boss.says(5)
    assert lines[-1].startswith("deliver")


async def test_who_waits_does_not_wait_for_ever(boss: Boss) -> None:
    boss.start("supervisor._AT_LAST_S = 0.05\n" + WAITER.format(before="pass"))
    await boss.says(3)
    assert len(boss.lines("deliver")) == 1


async def test_a_machine_without_room_for_a_process_is_tried_again(boss: Boss) -> None:
    boss.start(
        "real, left = os.fork, [1, 2]\n"
        "def fork():\n    if left: raise OSError(left.pop(), 'none')\n    return real()\n"
        "os.fork = fork\nroles = [Role('control', lambda: here('control') or waits())]"
    )
    lines = await boss.says(3)
    assert [line.split()[0] for line in lines] == ["pause", "pause", "control"]
    boss.signal(signal.SIGTERM)
    assert boss.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_children(boss: Boss, number: signal.Signals) -> None:
    boss.start("roles = [Role(name, lambda: here('x') or waits()) for name in ('a', 'b')]")
    lines = await boss.says(2)
    boss.signal(number)
    assert boss.ended() == 0
    assert not any(runs(int(line.split()[1])) for line in lines)


DEAF = """
supervisor._GRACE_S = 0.1
def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    here("deaf")
    while True:
        signal.pause()
roles = [Role("control", deaf)]
"""


async def test_a_child_that_will_not_stop_is_killed(boss: Boss) -> None:
    boss.start(DEAF)
    [line] = await boss.says(1)
    boss.signal(signal.SIGTERM)
    assert boss.ended() == 0
    assert not runs(int(line.split()[1]))


async def test_children_stop_when_the_supervisor_is_killed(boss: Boss) -> None:
    boss.start("roles = [Role(name, lambda: here('x') or waits()) for name in ('a', 'b')]")
    lines = await boss.says(2)
    boss.signal(signal.SIGKILL)
    boss.ended()
    for line in lines:
        await until_gone(int(line.split()[1]))


def test_on_its_own_a_process_is_ready_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object) -> None:
        raise AssertionError("nobody listens")

    monkeypatch.setattr(os, "write", write)
    supervised.ready()
