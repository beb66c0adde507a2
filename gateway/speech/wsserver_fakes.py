"""A stand-in for Vosk behind the WebSocket server, for tests without a model."""

import json
import threading

from gateway.speech.wsserver_messages import StreamConfig


class FakeDecoder:
    """Counts bytes: a partial tells how many came, the result too."""

    def __init__(self, makers: "FakeDecoders", config: StreamConfig) -> None:
        self._makers = makers
        self.config = config
        self.taken = 0

    def accept(self, pcm: bytes) -> str:
        self._makers.go.wait()
        if self._makers.trouble:
            raise self._makers.trouble
        self.taken += len(pcm)
        self._makers.accepted += 1
        return json.dumps({"partial": f"{self.taken}"})

    def finish(self) -> str:
        return json.dumps({"text": f"{self.taken}"})


class FakeDecoders:
    """Makes them. `go` cleared holds every `accept`; `trouble` is raised by it."""

    def __init__(self) -> None:
        self.made: list[FakeDecoder] = []
        self.accepted = 0
        self.trouble: Exception | None = None
        self.go = threading.Event()
        self.go.set()

    def __call__(self, config: StreamConfig) -> FakeDecoder:
        self.made.append(FakeDecoder(self, config))
        return self.made[-1]
