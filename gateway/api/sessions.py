"""Session cookies: signed, expiring, kept by the browser alone.

The signing key is derived from the token that opened the session, so that sessions outlive a
restart and end with their token. Ending one early is remembered until it would have expired.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

COOKIE = "liandong_session"
LIFETIME_S = 12 * 3600
"""A long shift."""


class Sessions:
    """`keys` gives each token's hash by its name."""

    def __init__(self, keys: dict[str, bytes], clock: Callable[[], float] = time.time) -> None:
        self._keys = {
            name: hmac.digest(key, b"liandong session", "sha256") for name, key in keys.items()
        }
        self._clock = clock
        self._ended: dict[str, int] = {}

    def open(self, name: str) -> str:
        """Return a cookie value for the holder of token `name`."""
        expires = int(self._clock()) + LIFETIME_S
        body = f"{name.encode().hex()}.{expires}.{secrets.token_hex(8)}"
        return f"{body}.{self._sign(name, body)}"

    def holder(self, cookie: str) -> str | None:
        """Return the token name a valid cookie stands for."""
        body, _, signature = cookie.rpartition(".")
        name, expires = _read(body)
        if name not in self._keys or expires <= self._clock() or body in self._ended:
            return None
        # As bytes: compare_digest refuses text that is not ASCII, and anyone may send that.
        own = self._sign(name, body).encode()
        return name if hmac.compare_digest(own, signature.encode(errors="replace")) else None

    def end(self, cookie: str) -> None:
        """Make a valid cookie worthless from now on."""
        if self.holder(cookie) is None:
            return
        now = self._clock()
        self._ended = {body: expires for body, expires in self._ended.items() if expires > now}
        body = cookie.rpartition(".")[0]
        self._ended[body] = _read(body)[1]

    def _sign(self, name: str, body: str) -> str:
        return hmac.new(self._keys[name], body.encode(), hashlib.sha256).hexdigest()


def _read(body: str) -> tuple[str, int]:
    """Return (token name, expiry) of an unsigned cookie body; ("", 0) when it is no such thing."""
    parts = body.split(".")
    if len(parts) != 3:
        return "", 0
    try:
        return bytes.fromhex(parts[0]).decode(), int(parts[1])
    except ValueError:
        return "", 0
