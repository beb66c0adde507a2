"""What advice costs: start-up, an update of a five-minute call, growth with length, memory."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence

from gateway.calls.facts import UtteranceHeard
from gateway.dispatch import corpus, taxonomy
from gateway.dispatch.incremental import Incremental
from gateway.dispatch.suggest import Dispatcher

FIVE_MINUTES = 75
"""Utterances of both speakers in five minutes, one about every four seconds."""
AGENT, CALLER = "agent", "caller"
_START = """
import sys
from gateway.dispatch import suggest, taxonomy
suggest.Dispatcher(taxonomy.load())
print("pypinyin" in sys.modules)
"""
_STARTS = 3
_ENGINE_ALONE = """
import json, sys
from gateway.calls.facts import UtteranceHeard
from gateway.dispatch import bench, suggest, taxonomy
heard = [UtteranceHeard.model_validate(one) for one in json.load(sys.stdin)]
bench.updates(suggest.Dispatcher(taxonomy.load()), heard)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(status["VmHWM"].split()[0])
"""


def call(size: int, seed: int) -> list[UtteranceHeard]:
    """Return a call of `size` utterances, put together from training sentences."""
    chance = random.Random(seed)  # noqa: S311 - the same calls every time
    texts = [said.parts[0] for said in corpus.said(corpus.lines(), 1, seed)]
    return [
        UtteranceHeard(
            call_id="bench",
            utterance_id=str(number),
            leg_id=AGENT if number % 3 == 0 else CALLER,
            start_ms=number * 4000,
            end_ms=number * 4000 + 3000,
            text=(text := chance.choice(texts)),
            text_raw=text,
            model="bench",
        )
        for number in range(size)
    ]


def updates(dispatcher: Dispatcher, heard: Sequence[UtteranceHeard]) -> list[float]:
    """Return what each update of a growing call costs, in milliseconds of processor time."""
    live = Incremental(dispatcher, {AGENT})
    cost: list[float] = []
    for size in range(1, len(heard) + 1):
        begin = time.process_time()
        live.suggest(heard[:size])
        cost.append(1000 * (time.process_time() - begin))
    return cost


def start() -> tuple[float, bool]:
    """Return how many seconds a fresh interpreter takes to import and load everything, at best,
    and whether it had to look up readings that the table lacks (sound_table.py).
    """
    took: list[float] = []
    for _ in range(_STARTS):
        begin = time.perf_counter()
        command = [sys.executable, "-c", _START]
        ran = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
        took.append(time.perf_counter() - begin)
    return min(took), ran.stdout.strip() == "True"


def memory() -> float:
    """Return the MiB that a fresh interpreter with the engine has needed after a long call.

    By its own count (proc(5)): what getrusage tells begins with what the parent has held.
    """
    said = json.dumps([one.model_dump(mode="json") for one in call(4 * FIVE_MINUTES, 9)])
    command = [sys.executable, "-c", _ENGINE_ALONE]
    ran = subprocess.run(  # noqa: S603
        command, check=True, capture_output=True, text=True, input=said
    )
    return int(ran.stdout) / 1024


def percentile(cost: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0..1) of `cost` lies."""
    ordered = sorted(cost)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def report() -> str:
    """Measure, and return the figures as text."""
    dispatcher = Dispatcher(taxonomy.load())
    updates(dispatcher, call(FIVE_MINUTES, 0))  # caches of characters fill once a process
    five = [ms for seed in range(1, 6) for ms in updates(dispatcher, call(FIVE_MINUTES, seed))]
    seconds, stale = start()
    note = "; readings are missing: run python -m gateway.dispatch.sound_table" if stale else ""
    lines = [
        f"start-up            {seconds:.2f} s, best of {_STARTS} (limit 2){note}",
        f"update, 5 min call  p50 {percentile(five, 0.5):.1f} ms,"
        f" p95 {percentile(five, 0.95):.1f} ms (limit 10), longest {max(five):.1f} ms",
    ]
    for size in (FIVE_MINUTES, 2 * FIVE_MINUTES, 4 * FIVE_MINUTES):
        cost = updates(dispatcher, call(size, 9))
        lines.append(f"{size:>4} utterances      {sum(cost) / size:.1f} ms an update")
    lines.append(f"memory              {memory():.0f} MiB with the interpreter (limit 300)")
    return "\n".join(lines)


if __name__ == "__main__":
    print(report())  # noqa: T201
