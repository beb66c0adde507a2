"""An AMI client that sends nothing that changes a call unless we control the PBX."""

from collections.abc import Callable
from types import MappingProxyType

from gateway.errors import NotInControl
from gateway.telephony.ami_event import AmiReply
from gateway.telephony.ami_port import Ami
from gateway.telephony.ami_values import Headers

_NO_HEADERS: Headers = MappingProxyType({})
_HARMLESS = {"getvar"}


class FencedAmi:
    """Implements `ami_port.Ami`; `may_act` is asked in the very moment of sending."""

    def __init__(self, ami: Ami, may_act: Callable[[], bool]) -> None:
        self._ami = ami
        self._may_act = may_act

    @property
    def connected(self) -> bool:
        return self._ami.connected

    @property
    def clock_offset_s(self) -> float:
        return self._ami.clock_offset_s

    @property
    def version(self) -> str:
        return self._ami.version

    async def start(self) -> None:
        await self._ami.start()

    async def close(self) -> None:
        await self._ami.close()

    async def send(
        self, action: str, headers: Headers = _NO_HEADERS, *, timeout: float | None = None
    ) -> AmiReply:
        """As `Ami.send`. Raises NotInControl, and sends nothing, while another may be acting."""
        if action.lower() not in _HARMLESS and not self._may_act():
            raise NotInControl(f"{action}: this gateway is not in control now; nothing was sent")
        return await self._ami.send(action, headers, timeout=timeout)

    async def collect(
        self, action: str, headers: Headers = _NO_HEADERS, *, timeout: float | None = None
    ) -> AmiReply:
        """As `Ami.collect`: lists change nothing."""
        return await self._ami.collect(action, headers, timeout=timeout)
