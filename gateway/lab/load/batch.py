"""Many datagrams in one system call: sendmmsg(2), which Python's socket module does not have."""

import ctypes
import os
import socket
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Address = tuple[str, int]
Packets = npt.NDArray[np.void]


class _SockAddr(ctypes.Structure):
    _fields_ = (
        ("family", ctypes.c_uint16),
        ("port", ctypes.c_uint16),
        ("host", ctypes.c_uint8 * 4),
        ("zero", ctypes.c_uint8 * 8),
    )


class _IoVec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _MsgHdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint32),
        ("iov", ctypes.c_void_p),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _MMsgHdr(ctypes.Structure):
    _fields_ = (("header", _MsgHdr), ("sent", ctypes.c_uint))


_libc = ctypes.CDLL(None, use_errno=True)


class Batch:
    """Sends the same rows of a buffer to the same addresses, again and again (Linux)."""

    def __init__(self, packets: Packets, rows: Sequence[int], to: Sequence[Address]) -> None:
        """`packets`: one datagram a row; it may change between two sendings."""
        self._packets = packets  # their memory must live as long as this
        count = len(rows)
        self._addresses = (_SockAddr * count)(*map(_sock_addr, to))
        step, base = packets.strides[0], packets.ctypes.data
        self._vectors = (_IoVec * count)(
            *(_IoVec(base + row * step, packets.itemsize) for row in rows)
        )
        self._messages = (_MMsgHdr * count)()
        for at, message in enumerate(self._messages):
            header = message.header
            header.name = ctypes.addressof(self._addresses[at])
            header.namelen = ctypes.sizeof(_SockAddr)
            header.iov = ctypes.addressof(self._vectors[at])
            header.iovlen = 1
        self._count = count

    def send(self, sock: socket.socket) -> int:
        """Send every row once; returns how many left. Raises OSError."""
        done = 0
        while done < self._count:
            first = ctypes.byref(self._messages, done * ctypes.sizeof(_MMsgHdr))
            sent = _libc.sendmmsg(sock.fileno(), first, self._count - done, 0)
            if sent < 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
            done += sent
        return done


def _sock_addr(address: Address) -> _SockAddr:
    host, port = address
    octets = (ctypes.c_uint8 * 4)(*socket.inet_aton(host))
    return _SockAddr(socket.AF_INET, socket.htons(port), octets)
