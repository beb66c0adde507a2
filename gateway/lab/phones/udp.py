"""A UDP socket on the event loop whose datagrams carry the kernel's time of arrival.

asyncio's own datagram endpoint tells when Python came round to read; under load that is
milliseconds late, and these phones exist to measure milliseconds. Hence ``SO_TIMESTAMPNS``.
"""

import asyncio
import contextlib
import ipaddress
import socket
import struct
from collections.abc import Callable

from gateway.errors import PhoneError
from gateway.lab.phones.stamp import Stamp, stamp, stamp_of_wall

Address = tuple[str, int]
OnDatagram = Callable[[bytes, Address, Stamp], None]

SO_TIMESTAMPNS = 35  # asm-generic/socket.h; Python has no name for it
_TIMESPEC = struct.Struct("@qq")
_READS_PER_WAKE = 64
_PAIR_TRIES = 50


class UdpPort:
    """One bound UDP socket. `on_datagram` gets payload, sender and time of arrival."""

    def __init__(self, sock: socket.socket, on_datagram: OnDatagram | None) -> None:
        self._sock = sock
        self._on_datagram = on_datagram
        self._loop = asyncio.get_running_loop()
        self.address: Address = sock.getsockname()[:2]
        self.send_errors = 0
        if on_datagram is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self._loop.add_reader(sock.fileno(), self._read_some)

    def send(self, data: bytes, to: Address) -> Stamp:
        """Send one datagram; returns the moment just before it was handed to the kernel."""
        at = stamp()
        try:
            self._sock.sendto(data, to)
        except OSError:
            self.send_errors += 1
        return at

    def pause(self) -> None:
        """Read nothing but by `read_waiting`; datagrams keep their time of arrival."""
        self._loop.remove_reader(self._sock.fileno())

    def read_waiting(self) -> None:
        """Read what has arrived so far."""
        while self._read_some() == _READS_PER_WAKE:
            pass

    def close(self) -> None:
        """Close the socket; safe to call again."""
        if self._sock.fileno() < 0:
            return
        if self._on_datagram is not None:
            self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    def _read_some(self) -> int:
        """Returns how many datagrams were there, _READS_PER_WAKE at most."""
        assert self._on_datagram is not None
        for done in range(_READS_PER_WAKE):
            if self._sock.fileno() < 0:
                return done
            try:
                data, ancillary, _, sender = self._sock.recvmsg(4096, 64)
            except OSError:
                return done
            self._on_datagram(data, sender[:2], _arrival(ancillary))
        return _READS_PER_WAKE


def _arrival(ancillary: list[tuple[int, int, bytes]]) -> Stamp:
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(data[: _TIMESPEC.size])
            return stamp_of_wall(seconds * 1_000_000_000 + nanoseconds)
    return stamp()


def open_port(host: str, on_datagram: OnDatagram, port: int = 0) -> UdpPort:
    """Bind one UDP port on loopback (`port` 0: a free one). Raises PhoneError."""
    return UdpPort(_bind(host, port), on_datagram)


def open_rtp_pair(host: str, on_datagram: OnDatagram) -> tuple[UdpPort, UdpPort]:
    """Bind an even port for RTP and the odd one above it for RTCP (RFC 3550 section 11).

    The RTCP socket is never read: it is held so that reports for one call cannot arrive at the
    RTP port of another.
    """
    for _ in range(_PAIR_TRIES):
        first = _bind(host, 0)
        port = first.getsockname()[1]
        try:
            second = _bind(host, port ^ 1)
        except PhoneError:
            first.close()
            continue
        rtp, rtcp = (first, second) if port % 2 == 0 else (second, first)
        return UdpPort(rtp, on_datagram), UdpPort(rtcp, None)
    raise PhoneError(f"no free pair of UDP ports on {host} for RTP and RTCP; close some calls")


def _bind(host: str, port: int) -> socket.socket:
    if not ipaddress.ip_address(host).is_loopback:
        raise PhoneError(f"lab phones bind to loopback only, not {host}; use 127.0.0.1")
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise PhoneError(f"cannot bind UDP {host}:{port}: {error.strerror}") from error
    return sock
