"""How fast this machine decodes with this model, measured before the first call comes."""

import time

from gateway.media.audiosocket_codec import SAMPLE_RATE
from gateway.speech.port import Engine

_SECONDS = 2
_RUNS = 3
_LEVEL = 300.0
_SPEECH = 2.0
"""Speech over quiet noise: on noise the search keeps few paths. Measured per leg: 0.0145 of a core,
where noise let 0.008 be expected."""


def decode_cost(engine: Engine) -> float:
    """Return seconds of work for one second of speech, blocking (about 0.2 s); 0.02 is usual.

    The least of some runs: what else the machine does at its start is not the engine's cost.
    """
    import numpy as np  # noqa: PLC0415  loaded after the first calls are listened to

    samples = np.random.default_rng(1).normal(0, _LEVEL, _SECONDS * SAMPLE_RATE)
    pcm = samples.astype("<i2").tobytes()
    recogniser, least = engine.recogniser(), float("inf")
    for _ in range(_RUNS):
        began = time.thread_time()
        recogniser.accept(pcm)
        recogniser.finish()
        least = min(least, time.thread_time() - began)
    return _SPEECH * least / _SECONDS
