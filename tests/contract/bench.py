"""What contract tests and the recorder drive: our client, and panoramisk bare."""

import asyncio
from collections.abc import Callable

from panoramisk.manager import Manager

from gateway.settings import SwitchSettings
from gateway.telephony.ami_client import AmiClient
from gateway.telephony.ami_event import AmiEvent

USER, SECRET = "gateway", "gateway-secret"
PATIENCE_S = 20


class Bench:
    """Our client and everything it has said; `async with` starts and closes it."""

    def __init__(
        self, port: int, *, heartbeat_s: float = 3600, action_timeout_s: float = 10
    ) -> None:
        settings = SwitchSettings(
            port=port,
            user=USER,
            secret=SECRET,
            heartbeat_s=heartbeat_s,
            action_timeout_s=action_timeout_s,
        )
        self._wake = asyncio.Event()
        self.events: list[AmiEvent] = []
        self.links: list[bool] = []
        self.ami = AmiClient(settings, on_event=self._event, on_link=self._link)

    async def __aenter__(self) -> "Bench":
        await self.ami.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.ami.close()

    def _event(self, event: AmiEvent) -> None:
        self.events.append(event)
        self._wake.set()

    def _link(self, up: bool) -> None:
        self.links.append(up)
        self._wake.set()

    def named(self, name: str) -> list[AmiEvent]:
        return [event for event in self.events if event.name == name]

    async def true(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds; looked at after each event and link change."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._wake.clear()
                await self._wake.wait()

    async def until(self, name: str, count: int = 1) -> AmiEvent:
        """Wait for the `count`th event of that name."""
        await self.true(lambda: len(self.named(name)) >= count)
        return self.named(name)[count - 1]


def bare(port: int) -> Manager:
    """panoramisk as it comes."""
    return Manager(
        host="127.0.0.1",
        port=port,
        username=USER,
        secret=SECRET,
        reconnect_timeout=0,
        ping_delay=3600,
    )


async def close_bare(manager: Manager) -> None:
    """Close a bare manager and keep it from connecting again."""
    manager.connect = lambda: None
    transport = manager.protocol.transport
    manager.close()
    while transport.get_extra_info("socket").fileno() != -1:  # noqa: ASYNC110
        await asyncio.sleep(0)
