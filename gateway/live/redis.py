"""One way to open Redis: every wait bounded, text in and out."""

from redis.asyncio import Redis

from gateway.errors import ConfigError

CONNECT_TIMEOUT_S = 2.0
SOCKET_TIMEOUT_S = 5.0
"""No single reply takes longer; blocking reads must ask for less than this."""


def connect(url: str) -> Redis:
    """Return a client for `url` (``redis://host:port/db``); nothing is sent until it is used.

    Close it with ``await client.aclose()``. Raises ConfigError when the address is not one.
    """
    try:
        return Redis.from_url(
            url,
            decode_responses=True,
            protocol=2,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            socket_timeout=SOCKET_TIMEOUT_S,
            health_check_interval=15,
        )
    except ValueError as error:
        raise ConfigError(f"redis.url is not a Redis address: {error}") from error
