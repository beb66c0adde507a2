"""Free ports on loopback for the lab's servers."""

import socket


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """Return a port that is free now on 127.0.0.1 (`kind`: SOCK_STREAM or SOCK_DGRAM)."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_udp_range(size: int, start: int = 20000, end: int = 60000) -> int:
    """Return the first even port of `size` consecutive UDP ports that are free now.

    RTP takes an even port and RTCP the odd one above it (RFC 3550, section 11).
    """
    for first in range(start, end - size, size):
        if all(_udp_free(port) for port in range(first, first + size, 7)):
            return first
    raise OSError(f"no {size} free UDP ports between {start} and {end}")


def _udp_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
