"""Who is asking: bearer tokens for machines, session cookies for the page."""

import hashlib
import hmac
import math
from collections.abc import Awaitable, Callable

from fastapi import Request
from pydantic import SecretStr

from gateway.api.limits import FailedAttempts
from gateway.api.rights import RIGHTS, Right, has
from gateway.api.sessions import COOKIE, Sessions
from gateway.calls.port import Actor
from gateway.errors import (
    ConfigError,
    CrossSiteRefused,
    NotAllowed,
    NotAuthenticated,
    TooManyAttempts,
)
from gateway.settings import TokenSettings

PAGE_HEADER = "X-Liandong-Page"
"""Sent by our page with everything that changes state; a foreign page cannot set it (CSRF)."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Gatekeeper:
    """Knows every token, as a hash only."""

    def __init__(self, tokens: list[TokenSettings], attempts: FailedAttempts | None = None) -> None:
        _check(tokens)
        self._hashes = {entry.name: _hash(entry.token) for entry in tokens}
        self._actors = {entry.name: Actor(entry.name, entry.role, entry.agent) for entry in tokens}
        self._attempts = attempts or FailedAttempts()
        self.sessions = Sessions(self._hashes)

    def by_token(self, token: str, address: str) -> Actor:
        """Return whose token it is. Raises NotAuthenticated, TooManyAttempts.

        A right token always gets in: behind a reverse proxy everyone shares one address, and one
        person's mistakes must not lock out the others. Tokens are long enough not to be guessed.
        """
        offered = _hash(SecretStr(token))
        # Every hash is compared, so that the time taken tells nothing about which came close.
        names = [name for name, own in self._hashes.items() if hmac.compare_digest(own, offered)]
        if names:
            return self._actors[names[0]]
        if wait_s := self._attempts.wait_s(address):
            raise TooManyAttempts(f"too many failed log-ins; try again in {math.ceil(wait_s)} s")
        self._attempts.failed(address)
        raise NotAuthenticated("this token is not known; see api.tokens in the settings")

    def by_request(self, request: Request) -> Actor:
        """Return who sent `request`. Raises NotAuthenticated, CrossSiteRefused."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            return self.by_token(token.strip(), address(request))
        if name := self.sessions.holder(request.cookies.get(COOKIE, "")):
            if request.method not in _SAFE and PAGE_HEADER not in request.headers:
                raise CrossSiteRefused(f"a request with the session cookie needs {PAGE_HEADER}")
            return self._actors[name]
        raise NotAuthenticated("send Authorization: Bearer <token>, or log in on the page")


def address(request: Request) -> str:
    """The peer's address, for counting failures."""
    return request.client.host if request.client else "?"


async def current_actor(request: Request) -> Actor:
    """Dependency: the authenticated actor."""
    gatekeeper: Gatekeeper = request.app.state.services.gatekeeper
    return gatekeeper.by_request(request)


def need(*rights: Right) -> Callable[[Request], Awaitable[Actor]]:
    """Dependency: the actor, who must have at least one of `rights`."""

    async def actor_with_right(request: Request) -> Actor:
        actor = await current_actor(request)
        if not any(has(actor, right) for right in rights):
            raise NotAllowed(f"role {actor.role} lacks the right {' or '.join(rights)}")
        return actor

    return actor_with_right


def rights_of(actor: Actor) -> list[Right]:
    """The actor's rights, in a fixed order."""
    return sorted(RIGHTS[actor.role])


def _hash(token: SecretStr) -> bytes:
    return hashlib.sha256(token.get_secret_value().encode()).digest()


def _check(tokens: list[TokenSettings]) -> None:
    if not tokens:
        raise ConfigError(
            "api.tokens is empty, so nobody could use the API: add at least one [[api.tokens]] "
            "with name, role and token (and agent, for an operator)"
        )
    names, secrets = set(), set()
    for entry in tokens:
        where = f"api.tokens: {entry.name!r}"
        if len(entry.token.get_secret_value()) < 16:
            raise ConfigError(f"{where}: token must have at least 16 characters")
        if entry.role == "operator" and not entry.agent:
            raise ConfigError(f"{where}: an operator's token needs agent, the seat it acts for")
        if entry.name in names or entry.token in secrets:
            raise ConfigError(f"{where}: name and token must be unique")
        names.add(entry.name)
        secrets.add(entry.token)
