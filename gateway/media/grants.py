"""Which tap may speak for which leg: a uuid, granted before the tap is originated, used once."""

from typing import Protocol

from pydantic import ValidationError
from redis.asyncio import Redis

from gateway.errors import MediaError
from gateway.live import names
from gateway.speech.port import TapGrant


class Grants(Protocol):
    async def take(self, uuid: str) -> TapGrant | None:
        """Return the grant and spend it; None when unknown, expired or spent.

        Raises RedisError, OSError or MediaError when it cannot be looked up.
        """
        ...


class RedisGrants:
    """Grants in Redis under `names.tap(uuid)`; GETDEL makes taking one atomic."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def offer(self, uuid: str, grant: TapGrant, lifetime_s: float) -> None:
        """Let one tap with `uuid` (canonical text) speak as `grant` within `lifetime_s`."""
        await self._redis.set(names.tap(uuid), grant.model_dump_json(), px=int(lifetime_s * 1000))

    async def withdraw(self, uuid: str) -> bool:
        """Take an offer back; False: it was taken already, or has expired."""
        return bool(await self._redis.delete(names.tap(uuid)))

    async def take(self, uuid: str) -> TapGrant | None:
        found = await self._redis.getdel(names.tap(uuid))
        if found is None:
            return None
        try:
            return TapGrant.model_validate_json(found)
        except ValidationError as error:
            raise MediaError(f"the grant of tap {uuid} cannot be read") from error
