"""The RTP of many phones: each says a tone; a key takes the place of the tone while it is pressed.

Phones do not send at the same moment: each has its place, its phase, in the 20 ms.
"""

import secrets
import socket
from dataclasses import dataclass, field

import numpy as np

from gateway.lab.load.batch import Address, Batch, Packets
from gateway.lab.phones import sdp
from gateway.lab.phones.audio import RATE, tone_second
from gateway.lab.phones.dtmf import KeySender
from gateway.lab.phones.rtp import FRAME_SAMPLES, HEADER, VERSION_2
from gateway.lab.phones.stamp import Stamp, stamp

PHASES = 4
TONE_STEP_HZ = RATE // FRAME_SAMPLES
"""A multiple of it has whole waves in 20 ms, so that one frame said again and again is a tone."""
_AMPLITUDE = 4000
_PACKET = np.dtype(
    [
        ("version", "u1"),
        ("kind", "u1"),
        ("seq", ">u2"),
        ("timestamp", ">u4"),
        ("ssrc", ">u4"),
        ("payload", "u1", FRAME_SAMPLES),
    ]
)


@dataclass
class Stream:
    """What one phone says, and to where."""

    row: int
    to: Address
    event_type: int
    keys: KeySender = field(default_factory=KeySender)
    pressing: int = 0
    """Presses that are not out yet."""


class Streams:
    """`add`, `remove`, and `send` once each phase; the caller keeps the time."""

    def __init__(self, sock: socket.socket, most: int = 512) -> None:
        self._sock = sock
        self._packets: Packets = np.zeros(most, _PACKET)
        self._free = list(range(most - 1, -1, -1))
        self._streams: dict[int, Stream] = {}
        self._batches: dict[int, tuple[list[int], Batch]] = {}

    def add(self, name: int, to: Address, tone_hz: int, event_type: int) -> None:
        """Begin to say `tone_hz`, a multiple of TONE_STEP_HZ, to `to`."""
        self.remove(name)
        stream = self._streams[name] = Stream(self._free.pop(), to, event_type)
        packet = self._packets[stream.row]
        packet["version"], packet["kind"] = VERSION_2, sdp.PCMA
        packet["seq"], packet["timestamp"] = secrets.randbits(15), secrets.randbits(31)
        packet["ssrc"] = secrets.randbits(32)
        said = tone_second(tone_hz, _AMPLITUDE)[:FRAME_SAMPLES]
        packet["payload"] = np.frombuffer(said, np.uint8)
        self._batches.pop(stream.row % PHASES, None)

    def remove(self, name: int) -> None:
        """Say no more; unfinished presses are failed."""
        if stream := self._streams.pop(name, None):
            stream.keys.close()
            self._free.append(stream.row)
            self._batches.pop(stream.row % PHASES, None)

    def keys_of(self, name: int) -> KeySender | None:
        """Where keys of this phone are pressed; call `pressed` after."""
        stream = self._streams.get(name)
        return stream.keys if stream else None

    def pressing(self, name: int, by: int) -> None:
        """`by` more (1) or fewer (-1) presses are under way at this phone."""
        if stream := self._streams.get(name):
            stream.pressing += by
            self._batches.pop(stream.row % PHASES, None)

    def send(self, phase: int) -> None:
        """Send this phase's 20 ms."""
        if phase not in self._batches:
            self._batches[phase] = self._batch(phase)
        rows, batch = self._batches[phase]
        packets = self._packets
        packets["seq"][rows] += 1
        packets["timestamp"][rows] += FRAME_SAMPLES
        batch.send(self._sock)
        for stream in [one for one in self._streams.values() if one.pressing]:
            if stream.row % PHASES == phase:
                self._send_key(stream)

    def _batch(self, phase: int) -> tuple[list[int], Batch]:
        mine = [
            one for one in self._streams.values() if one.row % PHASES == phase and not one.pressing
        ]
        rows = [one.row for one in mine]
        return rows, Batch(self._packets, rows, [one.to for one in mine])

    def _send_key(self, stream: Stream) -> None:
        packet = self._packets[stream.row]
        packet["seq"] = (int(packet["seq"]) + 1) & 0xFFFF
        packet["timestamp"] = (int(packet["timestamp"]) + FRAME_SAMPLES) & 0xFFFFFFFF
        event = stream.keys.next_packet(int(packet["timestamp"]))
        if event is None:
            self._sock.sendto(packet.tobytes(), stream.to)
            return
        kind = stream.event_type | (0x80 if event.marker else 0)
        header = HEADER.pack(
            VERSION_2, kind, int(packet["seq"]), event.timestamp, int(packet["ssrc"])
        )
        at: Stamp = stamp()
        self._sock.sendto(header + event.payload, stream.to)
        if event.first_end:
            stream.keys.sent_end(at)
