"""Proof of life for the dialplan: a stale beat makes the keys act natively."""

import asyncio
import contextlib
import time

from gateway.errors import SwitchError
from gateway.telephony.ami_port import Ami

GLOBAL = "LD_BEAT"


async def beat(ami: Ami, every_s: float) -> None:
    """Set the global LD_BEAT to the PBX's epoch seconds, for ever.

    Runs in the event loop that decides calls: if that hangs, so does the beat, as it should.
    """
    while True:
        value = str(int(time.time() + ami.clock_offset_s))
        # Lost? The client reconnects by itself, and the dialplan acts natively meanwhile.
        with contextlib.suppress(SwitchError):
            await ami.send("Setvar", {"Variable": GLOBAL, "Value": value}, timeout=every_s)
        await asyncio.sleep(every_s)
