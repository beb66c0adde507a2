"""A private Redis on loopback that keeps nothing on disk."""

import asyncio
from pathlib import Path
from time import monotonic

import redis.asyncio
from redis.exceptions import RedisError

from gateway.errors import LabError
from gateway.lab.ports import free_port
from gateway.lab.processes import Child, spawn
from gateway.lab.rootfs import redis_tools


class RedisLab:
    """Start with `await RedisLab.start(log_dir)`; stop with `await stop()`."""

    def __init__(self, child: Child, port: int) -> None:
        self.child = child
        self.port = port

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @classmethod
    async def start(cls, log_dir: Path, port: int = 0, timeout_s: float = 10.0) -> "RedisLab":
        port = port or free_port()
        argv = [
            *redis_tools().prefix,
            "redis-server",
            *("--bind", "127.0.0.1", "--port", str(port)),
            *("--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", "/tmp"),  # noqa: S108
        ]
        lab = cls(await spawn("redis", argv, log_dir / "redis.log"), port)
        await lab._until_ready(timeout_s)
        return lab

    async def _until_ready(self, timeout_s: float) -> None:
        deadline = monotonic() + timeout_s
        client = redis.asyncio.from_url(self.url)
        try:
            while monotonic() < deadline and self.child.running:
                try:
                    await client.ping()
                except (RedisError, OSError):
                    await asyncio.sleep(0.02)
                else:
                    return
        finally:
            await client.aclose()
        await self.stop()
        raise LabError(f"the lab's Redis did not start: {self.child.tail()}")

    async def stop(self) -> None:
        await self.child.stop()
