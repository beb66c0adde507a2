"""What goes over loopback: the PBX's SIP, and the keys in RTP, by the kernel's clock.

A packet socket sees them beside gateway and PBX, and asks neither. A filter in the kernel (classic
BPF, packet(7)) lets only these through: audio would be thousands of packets a second.
"""

import asyncio
import ctypes
import socket
import struct
from typing import NamedTuple, Self

from gateway.errors import LabError

EVENTS = 101
"""Payload type of the lab's phones for keys (RFC 4733)."""
_SO_ATTACH_FILTER, _SO_TIMESTAMPNS = 26, 35
_ETH_P_IP, _UDP = 0x0800, 17
_TIMESPEC = struct.Struct("@qq")
_BUFFER = 4 << 20
_DROP, _TAKE = 10, 11
"""Places in the filter below."""


class Packet(NamedTuple):
    """One UDP datagram on loopback; `at` is Unix seconds, ports are of sender and receiver."""

    at: float
    source: int
    dest: int
    data: bytes


class Capture:
    """Use `with Capture(sip_port) as capture:` in an event loop; `packets` grow from then on."""

    def __init__(self, sip_port: int) -> None:
        self.packets: list[Packet] = []
        self._sip_port = sip_port
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        try:
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        except PermissionError as error:
            raise LabError("capturing needs CAP_NET_RAW: run it as root") from error
        self._socket = sock
        program, _kept = _filter(self._sip_port)
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        sock.setblocking(False)
        sock.bind(("lo", _ETH_P_IP))
        asyncio.get_running_loop().add_reader(sock.fileno(), self._readable)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._socket is not None
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        assert self._socket is not None
        while True:
            try:
                data, ancillary, _, sender = self._socket.recvmsg(65535, 64)
            except BlockingIOError:
                return
            # Loopback shows each packet twice: as it goes out, and as it comes in.
            if sender[2] != socket.PACKET_OUTGOING:
                self.packets.append(_packet(data, ancillary))


def _packet(data: bytes, ancillary: list[tuple[int, int, bytes]]) -> Packet:
    head = (data[0] & 0x0F) * 4
    source, dest = struct.unpack_from("!HH", data, head)
    seconds, nanoseconds = next(
        _TIMESPEC.unpack(told[: _TIMESPEC.size])
        for level, kind, told in ancillary
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS)
    )
    return Packet(seconds + nanoseconds / 1e9, source, dest, data[head + 8 :])


def _filter(sip_port: int) -> tuple[bytes, object]:
    """The filter as `struct sock_fprog`, and what it points to, which must live as long."""
    steps = [
        (0x30, 9),  # the IP header's protocol
        (0x15, _UDP),
        (0xB1, 0),  # X: length of the IP header
        (0x48, 0),  # source port
        (0x15, sip_port),
        (0x48, 2),  # destination port
        (0x15, sip_port),
        (0x50, 9),  # RTP: marker and payload type
        (0x54, 0x7F),
        (0x15, EVENTS),
        (0x06, 0),
        (0x06, 0xFFFF),
    ]
    code = b""
    for at, (kind, value) in enumerate(steps):
        match, other = 0, 0
        if kind == 0x15 and value == _UDP:
            other = _DROP - at - 1
        elif kind == 0x15:
            match = _TAKE - at - 1
        code += struct.pack("=HBBI", kind, match, other, value)
    kept = ctypes.create_string_buffer(code, len(code))
    return struct.pack("@HP", len(steps), ctypes.addressof(kept)), kept
