"""What the rest of the gateway asks of an AMI client. Shipped fake: `fakes.FakeAmiClient`."""

from typing import Protocol

from gateway.telephony.ami_event import AmiReply
from gateway.telephony.ami_values import Headers


class Ami(Protocol):
    """See AmiClient for what each member promises."""

    @property
    def connected(self) -> bool: ...

    @property
    def clock_offset_s(self) -> float: ...

    @property
    def version(self) -> str: ...

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def send(
        self, action: str, headers: Headers = ..., *, timeout: float | None = None
    ) -> AmiReply: ...

    async def collect(
        self, action: str, headers: Headers = ..., *, timeout: float | None = None
    ) -> AmiReply: ...
