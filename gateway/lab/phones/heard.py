"""What a phone heard: the last two minutes of packets with their times, and questions on them."""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gateway.errors import PhoneTimeout
from gateway.lab.phones import audio
from gateway.lab.phones.dtmf import HeardEvent
from gateway.lab.phones.rtp import FRAME_MS, RtpPacket
from gateway.lab.phones.stamp import Stamp, stamp

KEPT_S = 120
_KEPT_PACKETS = KEPT_S * 1000 // FRAME_MS


class HeardPacket(NamedTuple):
    """One A-law packet; `at` is the kernel's time of arrival."""

    at: Stamp
    seq: int
    timestamp: int
    ssrc: int
    payload: bytes


class HeardKey(NamedTuple):
    """One key heard as telephone-event; `at` is when its first end packet came."""

    symbol: str
    at: Stamp
    duration_ms: float


class Heard:
    """Received audio, kept as it came and decoded when asked for."""

    def __init__(self) -> None:
        self.packets: deque[HeardPacket] = deque(maxlen=_KEPT_PACKETS)
        self.keys: list[HeardKey] = []
        self.received = 0
        """Audio packets since the start, those no longer kept included."""
        self.strays = 0
        """Datagrams that were not this call's RTP."""
        self._last_key_timestamp: tuple[int, int] | None = None
        self._arrival = asyncio.Event()

    @property
    def digits(self) -> str:
        """Keys heard so far."""
        return "".join(key.symbol for key in self.keys)

    def add_audio(self, packet: RtpPacket, at: Stamp) -> None:
        self.received += 1
        self.packets.append(
            HeardPacket(at, packet.seq, packet.timestamp, packet.ssrc, packet.payload)
        )
        self._arrival.set()

    def add_event(self, packet: RtpPacket, event: HeardEvent, at: Stamp) -> None:
        """Note a key once, at the first of its end packets."""
        identity = (packet.ssrc, packet.timestamp)
        if event.end and identity != self._last_key_timestamp:
            self._last_key_timestamp = identity
            self.keys.append(HeardKey(event.symbol, at, event.duration / 8))
            self._arrival.set()

    def pcm(self, window_ms: float | None = None) -> audio.Pcm:
        """Return the 8 kHz PCM that came in the last `window_ms` (None: all that is kept)."""
        chosen = self.packets if window_ms is None else self._recent(window_ms)
        payloads = [packet.payload for packet in chosen]
        return audio.decode(b"".join(payloads)) if payloads else np.zeros(0, dtype=np.int16)

    def rms(self, window_ms: float = 200) -> float:
        """Loudness of the last `window_ms`, 0 to 32768; 0 when nothing came."""
        return audio.rms(self.pcm(window_ms))

    def hears_tone(
        self, freq_hz: float, window_ms: float = 200, *, min_share: float = 0.1, min_rms: float = 50
    ) -> bool:
        """Whether `freq_hz` is in what came in the last `window_ms`.

        `min_share` of the energy must be at that frequency: 0.1 still finds one of several
        speakers in a conference. False when half the window is missing.
        """
        pcm = self.pcm(window_ms)
        if len(pcm) < window_ms * audio.RATE / 1000 / 2 or audio.rms(pcm) < min_rms:
            return False
        return audio.tone_share(pcm, freq_hz) >= min_share

    def largest_gap_ms(self, since: Stamp | None = None) -> float:
        """Longest time between two packets in a row, of those that came after `since`."""
        times = [p.at.mono_ns for p in self.packets if since is None or p.at >= since]
        return max((b - a for a, b in itertools.pairwise(times)), default=0) / 1e6

    async def until_hears(
        self, freq_hz: float, timeout_s: float = 5.0, *, window_ms: float = 200
    ) -> None:
        """Wait until `hears_tone`; raises PhoneTimeout."""
        await self._until(
            lambda: self.hears_tone(freq_hz, window_ms), timeout_s, f"a {freq_hz:g} Hz tone"
        )

    async def until_digits(self, digits: str, timeout_s: float = 5.0) -> None:
        """Wait until the keys heard so far are `digits`; raises PhoneTimeout."""
        await self._until(lambda: self.digits == digits, timeout_s, f"the keys {digits}")

    async def until_audio(self, timeout_s: float = 5.0) -> None:
        """Wait until at least one packet of audio came; raises PhoneTimeout."""
        await self._until(lambda: self.received > 0, timeout_s, "audio")

    def _recent(self, window_ms: float) -> list[HeardPacket]:
        oldest = stamp().mono_ns - window_ms * 1e6
        chosen = []
        for packet in reversed(self.packets):
            if packet.at.mono_ns < oldest:
                break
            chosen.append(packet)
        return chosen[::-1]

    async def _until(self, condition: Callable[[], bool], timeout_s: float, what: str) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    self._arrival.clear()
                    await self._arrival.wait()
        except TimeoutError:
            raise PhoneTimeout(
                f"did not hear {what} in {timeout_s:g} s: {self.received} packets, "
                f"keys {self.digits!r}, loudness {self.rms():.0f}"
            ) from None
