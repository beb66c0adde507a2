"""When an utterance is over: trailing silence by level, or words that no longer change.

The models' own end-pointing (Kaldi rules in conf/model.conf) needs 0.5 to 2 s of decoded silence
and comes late on short turns; this one asks for the final as soon as the line is quiet, and the
silence need not be decoded.
"""

from collections import deque

import numpy as np

from gateway.media.audiosocket_codec import BYTES_PER_MS, FRAME_MS

TRAILING_MS = 500
"""Silence after speech that ends an utterance."""
STABLE_MS = 1200
"""Unchanged words that end an utterance on a line too noisy to hear silence on."""

_FRAME_BYTES = FRAME_MS * BYTES_PER_MS
_ABOVE_FLOOR_DB = 10.0
_LOWEST_DB, _HIGHEST_DB = -50.0, -25.0
_FLOOR_FRAMES = 100
"""The noise floor is the lowest level of the last 2 s: speech always has dips."""


class Voice:
    """Tells speech from silence by level, 20 ms at a time. Positions are ms of audio taken."""

    def __init__(self) -> None:
        self.position_ms = 0
        self.onset_ms: int | None = None
        self.last_ms: int | None = None
        self._rest = b""
        self._floor: deque[float] = deque([-60.0], maxlen=_FLOOR_FRAMES)
        self._recent: deque[bool] = deque(maxlen=3)

    @property
    def quiet_ms(self) -> int | None:
        """Silence since the last speech; None when there was no speech since `forget`."""
        return None if self.last_ms is None else self.position_ms - self.last_ms

    def forget(self) -> None:
        """An utterance ended: what follows is a new one."""
        self.onset_ms = self.last_ms = None
        self._recent.clear()

    def take(self, pcm: bytes) -> None:
        data = self._rest + pcm
        whole = len(data) // _FRAME_BYTES * _FRAME_BYTES
        self._rest = data[whole:]
        frames = np.frombuffer(data[:whole], "<i2").reshape(-1, _FRAME_BYTES // 2)
        power = np.square(frames.astype(np.float32) / 32768).mean(axis=1)
        for db in (10 * np.log10(power + 1e-9)).tolist():
            self._level(db)

    def _level(self, db: float) -> None:
        self._floor.append(db)
        self.position_ms += FRAME_MS
        threshold = min(max(min(self._floor) + _ABOVE_FLOOR_DB, _LOWEST_DB), _HIGHEST_DB)
        self._recent.append(db > threshold)
        # One loud frame is a click; two of three are a voice.
        if self._recent[-1] and sum(self._recent) >= 2:
            self.last_ms = self.position_ms
            if self.onset_ms is None:
                self.onset_ms = self.position_ms - 2 * FRAME_MS


class Words:
    """Tells words that no longer change. Positions are ms of decoded audio."""

    def __init__(self, stable_ms: float = STABLE_MS) -> None:
        self._stable_ms = stable_ms
        self._text = ""
        self._changed_ms = 0.0

    def stable(self, text: str, at_ms: float) -> bool:
        """`text` are the words after `at_ms`: have there been the same for long?"""
        if text != self._text:
            self._text, self._changed_ms = text, at_ms
        return bool(text) and at_ms - self._changed_ms >= self._stable_ms

    def forget(self) -> None:
        """An utterance ended."""
        self._text = ""
