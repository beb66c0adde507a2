"""A second control process on a town's PBX, as a stand-by would be, or a slip in an upgrade."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.lab.ports import free_port
from gateway.lab.processes import Child, spawn
from gateway.lab.town import Town


@dataclass(frozen=True)
class Rival:
    """Its process, and where its API will be once it is in control."""

    child: Child
    api_port: int


@asynccontextmanager
async def rival(town: Town) -> AsyncIterator[Rival]:
    """Start one with the town's settings, journal and ledger, and an API port of its own."""
    config, port = town.folder / "rival.toml", free_port()
    text = town.config.read_text("utf-8")
    config.write_text(text.replace(f"port = {town.api_port}\n", f"port = {port}\n"), "utf-8")
    argv = [sys.executable, "-m", "gateway", "control", "--config", str(config)]
    child = await spawn("rival", argv, town.folder / "rival.log", town.gateway_env)
    try:
        yield Rival(child, port)
    finally:
        await child.stop(grace_s=12)
