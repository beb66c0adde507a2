"""The proof of life that the dialplan looks at."""

import asyncio
import time
from collections.abc import Callable

import pytest

from gateway.errors import SwitchTimeout
from gateway.telephony.ami_event import AmiReply
from gateway.telephony.ami_values import Headers
from gateway.telephony.beat import beat
from gateway.telephony.fakes import FakeAmiClient


class Counting(FakeAmiClient):
    """Says when an action has been tried `times` times, sent or not."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._left, self.enough = times, asyncio.Event()
        self.timeouts: list[float | None] = []

    async def send(
        self, action: str, headers: Headers | None = None, *, timeout: float | None = None
    ) -> AmiReply:
        self.timeouts.append(timeout)
        self._left -= 1
        if self._left <= 0:
            self.enough.set()
        return await super().send(action, headers)


async def beating(ami: Counting, meanwhile: Callable[[], None] = lambda: None) -> None:
    task = asyncio.create_task(beat(ami, 0.001))
    meanwhile()
    try:
        async with asyncio.timeout(10):
            await ami.enough.wait()
        assert not task.done()
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_the_beat_is_the_pbxs_own_time() -> None:
    ami = Counting(2)
    await ami.start()
    ami.clock_offset_s = -3600.0
    before = int(time.time()) - 3600
    await beating(ami)
    for one in ami.actions("Setvar"):
        assert one.get("Variable") == "LD_BEAT"
        assert one.get("Channel") == ""
        assert before <= int(one.get("Value")) <= int(time.time()) - 3600
    assert set(ami.timeouts) == {0.001}


async def test_a_lost_connection_does_not_stop_it() -> None:
    ami = Counting(3)
    await beating(ami)
    assert ami.sent == []


async def test_a_beat_that_is_not_answered_is_followed_by_the_next() -> None:
    ami = Counting(3)
    await ami.start()
    ami.answer("Setvar", SwitchTimeout("no answer"), AmiReply({"Response": "Success"}))
    await beating(ami)
    assert len(ami.sent) >= 3
