"""``python -m gateway.lab.bench.streams.ours``: our worker on one core, taking notes."""

import asyncio
import faulthandler
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from gateway import log
from gateway.settings import RedisSettings, Settings, SpeechSettings
from gateway.speech.load import Load
from gateway.speech.models.home import model_path
from gateway.speech.vosk_engine import VoskEngine
from gateway.speech.worker import serve


class NotingLoad(Load):
    """Writes ``[leg, due ms, seconds of the machine's monotonic clock]`` for all that is heard."""

    admits_all = False
    notes: TextIO

    def note(self, wait_s: float, *, leg_id: str = "", due_ms: float = 0.0) -> None:
        super().note(wait_s, leg_id=leg_id, due_ms=due_ms)
        self.notes.write(json.dumps([leg_id, due_ms, time.monotonic()]) + "\n")

    def room(self, streams: int) -> int:
        room = super().room(streams)
        return 1 if self.admits_all else room


def main() -> None:
    """Arguments, as JSON: model, redis, notes, core, admits_all, max_streams."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    os.sched_setaffinity(0, {given["core"]})
    log.configure("WARNING")
    faulthandler.register(signal.SIGUSR1)
    NotingLoad.admits_all = given["admits_all"]
    speech = SpeechSettings(model_dir=Path(given["model"]), max_streams=given["max_streams"])
    settings = Settings(redis=RedisSettings(url=given["redis"]), speech=speech)
    engine = VoskEngine(
        model_path(speech),
        frames_per_chunk=speech.frames_per_chunk,
        min_active=speech.min_active,
    )

    def ready(_host: str, port: int) -> None:
        print(json.dumps({"port": port}), flush=True)

    with Path(given["notes"]).open("a", buffering=1) as notes:
        NotingLoad.notes = notes
        asyncio.run(serve(settings, engine, worker_id="bench", ready=ready, load_type=NotingLoad))


if __name__ == "__main__":
    main()
