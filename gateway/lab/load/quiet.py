"""A phone's audio in a crowd: sent by the pump, and read only when somebody asks what arrived.

What is not read stays in the socket until it is full, then the kernel drops it: no program is
woken. `listen` throws away what is there and begins to keep; `hear` reads what has come since,
each packet with the kernel's time of arrival.
"""

from itertools import count

from gateway.lab.load.pump import PumpClient
from gateway.lab.phones import sdp
from gateway.lab.phones.dtmf import KeyPress
from gateway.lab.phones.media import CallMedia

_names = count(1)


class QuietMedia(CallMedia):
    """Takes the place of a phone's `CallMedia`."""

    def __init__(self, host: str, pump: PumpClient, tone_hz: int) -> None:
        super().__init__(host)
        self._pump = pump
        self._name = next(_names)
        self._tone_hz = tone_hz
        self._rtp.pause()

    def connect(self, remote: sdp.MediaDescription) -> None:
        """Begin to say the tone, or go on, to where `remote` says."""
        if self._closed:
            return
        self.remote = remote
        self._peer = (remote.host, remote.port)
        event_type = remote.event_type if remote.event_type is not None else sdp.EVENTS
        self._pump.add(self._name, self._peer, self._tone_hz, event_type)

    def close(self) -> None:
        if not self._closed:
            self._pump.remove(self._name)
        super().close()

    async def press(self, digits: str, tone_ms: int, gap_ms: int) -> KeyPress:
        return await self._pump.press(self._name, digits, tone_ms, gap_ms)

    def listen(self) -> None:
        """Keep what comes from now on: 5 s of it have room in the socket."""
        self._rtp.read_waiting()
        self.heard.packets.clear()

    def hear(self) -> None:
        """Read what has come since `listen`; it is in `heard`."""
        self._rtp.read_waiting()
