"""When which part of a start was there, from the gateway's own log."""

from pathlib import Path

from gateway.lab.bench.started import parts_ready

BEFORE = "2026-11-22T15:00:00.000000Z [info     ] ready                          role=control\n"
LOG = """\
2026-11-22T15:00:01.500000Z [info     ] ami-connected                  slice=telephony version=22
2026-11-22T15:00:02.000000Z [info     ] recovered                      calls=1 slice=control
Started server process [1]
2026-11-22T15:00:03.000000Z [info     ] ready                          role=recognise slice=serve
2026-11-22T15:00:04.000000Z [info     ] ready                          role=recognise slice=serve
2026-11-22T15:00:05.250000Z [info     ] ready                          role=deliver slice=serve
"""
MIDNIGHT = 1795305600.0


def test_each_part_is_there_when_the_log_says_so_first(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_text(BEFORE + LOG, "utf-8")
    found = parts_ready(log, len(BEFORE))
    since = {part: at - MIDNIGHT - 15 * 3600 for part, at in found.items()}
    assert since == {"calls": 2.0, "recognise": 3.0, "deliver": 5.25}
