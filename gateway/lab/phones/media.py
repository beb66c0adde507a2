"""The audio side of one call: an RTP stream each way, keys, and what is heard."""

import asyncio
from pathlib import Path
from typing import NamedTuple

from gateway.errors import PhoneError
from gateway.lab.phones import audio, sdp
from gateway.lab.phones.dtmf import KeyPress, KeySender, decode_event
from gateway.lab.phones.heard import Heard
from gateway.lab.phones.rtp import RtpWriter, unpack
from gateway.lab.phones.stamp import Stamp, stamp
from gateway.lab.phones.ticker import ticker
from gateway.lab.phones.udp import Address, open_rtp_pair


class PlayedSpan(NamedTuple):
    """When a recording was said: the first packet's sending to the end of the last one's 20 ms."""

    start: Stamp
    end: Stamp

    @property
    def start_wall(self) -> float:
        """Unix seconds."""
        return self.start.wall

    @property
    def end_wall(self) -> float:
        """Unix seconds."""
        return self.end.wall


class _Playing:
    def __init__(self, alaw: bytes) -> None:
        self.source = audio.Recording(alaw)
        self.start: Stamp | None = None
        self.done: asyncio.Future[PlayedSpan] = asyncio.get_running_loop().create_future()


class CallMedia:
    """RTP of one call. It sends from the moment the other side's SDP is known: recording, tone
    or silence, so that the PBX never sees the stream stop."""

    def __init__(self, host: str) -> None:
        self._rtp, self._rtcp = open_rtp_pair(host, self._datagram)
        self.address: Address = self._rtp.address
        self.heard = Heard()
        self.remote: sdp.MediaDescription | None = None
        self._peer: Address | None = None
        self._latched = False
        self._writer = RtpWriter()
        self._keys = KeySender()
        self._background: audio.Source | None = None
        self._playing: _Playing | None = None
        self._closed = False

    @property
    def packets_sent(self) -> int:
        return self._writer.packets

    def connect(self, remote: sdp.MediaDescription) -> None:
        """Start sending, or after a re-INVITE go on, to where `remote` says."""
        if self._closed:
            return
        if self._peer is None or (remote.host, remote.port) != self._peer:
            self._peer = (remote.host, remote.port)
            self._latched = False
        self.remote = remote
        ticker().add(self)

    def close(self) -> None:
        """Stop sending and free the ports; unfinished presses and playing raise PhoneError."""
        if self._closed:
            return
        self._closed = True
        ticker().remove(self)
        self._keys.close()
        if self._playing is not None and not self._playing.done.done():
            self._playing.done.set_exception(PhoneError("the call ended while playing"))
        self._rtp.close()
        self._rtcp.close()

    def set_tone(self, freq_hz: int | None) -> None:
        """Say a tone in place of silence; None: silence again."""
        self._background = audio.Tone(freq_hz) if freq_hz else None

    async def press(self, digits: str, tone_ms: int, gap_ms: int) -> KeyPress:
        """Press keys; returns when the first end packet of the last digit has left."""
        self._must_be_open()
        if self.remote is None or self.remote.event_type is None:
            raise PhoneError("the other side takes no telephone-event: set dtmf_mode=rfc4733")
        return await self._keys.press(digits, tone_ms, gap_ms)

    async def play(self, recording: Path | str | bytes) -> PlayedSpan:
        """Say raw 8 kHz A-law; returns when the last of it has left."""
        if self._playing is not None:
            raise PhoneError("this call is playing already; await that first")
        if not isinstance(recording, bytes):
            recording = await asyncio.to_thread(Path(recording).read_bytes)
        if not recording:
            raise PhoneError("nothing to play: the recording is empty")
        self._must_be_open()
        self._playing = playing = _Playing(recording)
        try:
            return await playing.done
        finally:
            self._playing = None

    def _must_be_open(self) -> None:
        """Nobody would ever say that it has been sent."""
        if self._closed:
            raise PhoneError("the call has ended")

    def tick(self) -> None:
        """Send this 20 ms: a key's packet, or audio."""
        self._writer.advance()
        if self._peer is None or self.remote is None:
            return
        if event := self._keys.next_packet(self._writer.timestamp):
            kind = self.remote.event_type
            assert kind is not None
            at = self._send(
                self._writer.pack(
                    kind, event.payload, marker=event.marker, timestamp=event.timestamp
                )
            )
            if event.first_end:
                self._keys.sent_end(at)
        elif self.remote.wants_audio:
            self._send_audio()

    def _send_audio(self) -> None:
        playing = self._playing
        frame = playing.source.next_frame() if playing else None
        at = self._send(self._writer.pack(sdp.PCMA, frame or self._idle_frame()))
        if playing is None or playing.done.done():
            return
        if frame is not None:
            playing.start = playing.start or at
        elif playing.start is not None:
            # This tick is the one after the last frame: the moment the recording has been said.
            playing.done.set_result(PlayedSpan(playing.start, at))

    def _idle_frame(self) -> bytes:
        frame = self._background.next_frame() if self._background else None
        return frame or audio.SILENCE

    def _send(self, packet: bytes) -> Stamp:
        return self._rtp.send(packet, self._peer) if self._peer else stamp()

    def _datagram(self, data: bytes, sender: Address, at: Stamp) -> None:
        packet = unpack(data)
        if packet is None or not self._from_peer(sender):
            self.heard.strays += 1
        elif packet.payload_type == sdp.PCMA:
            self.heard.add_audio(packet, at)
        elif self.remote is not None and packet.payload_type == self.remote.event_type:
            if event := decode_event(packet.payload):
                self.heard.add_event(packet, event, at)
        else:
            self.heard.strays += 1

    def _from_peer(self, sender: Address) -> bool:
        """Symmetric RTP: take the first sender on loopback for the peer, then nobody else."""
        if not self._latched and self._peer is not None:
            self._peer = sender
            self._latched = True
        return sender == self._peer
