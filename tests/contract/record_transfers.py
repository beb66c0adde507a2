"""Record what AMI says of whole transfers: `python -m tests.contract.record_transfers`.

It runs a lab town and writes recordings/transfer-*.jsonl: one event a line, `at` seconds from the
first and `event` its headers, as the gateway's own AMI client delivers them. Events that say
nothing about calls are left out; numbers and names are the lab's own, made up.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from pydantic import SecretStr

from gateway.lab.scene import BUSY, DECLINE, RING_FOREVER, Scene, open_scene
from gateway.lab.town import Town, TownPlan, town
from gateway.settings import SwitchSettings
from gateway.telephony.ami_client import AmiClient
from gateway.telephony.ami_event import AmiEvent

from .script import RECORDINGS

LEFT_OUT = {"VarSet", "RTCPSent", "RTCPReceived", "DTMFBegin", "DTMFEnd", "TestEvent", "Newexten"}
LEFT_OUT |= {
    "QueueMemberStatus",
    "DeviceStateChange",
    "ContactStatus",
    "PeerStatus",
    "ChallengeSent",
}
LEFT_OUT |= {"SuccessfulAuth", "ExtensionStatus", "ConfbridgeTalking", "NewConnectedLine"}
LEFT_OUT |= {"MusicOnHoldStart", "MusicOnHoldStop", "ChanSpyStart", "ChanSpyStop", "FullyBooted"}
RING_S = 3.0


class Tape:
    """Keeps events between `start` and `save`."""

    def __init__(self, running: Town) -> None:
        config = running.pbx.config
        settings = SwitchSettings(
            port=config.ami_port, user="witness", secret=SecretStr(config.ami_secret)
        )
        self.ami = AmiClient(settings, on_event=self._keep, on_link=lambda _up: None)
        self.events: list[AmiEvent] = []

    def _keep(self, event: AmiEvent) -> None:
        if event.name not in LEFT_OUT:
            self.events.append(event)

    def save(self, name: str) -> None:
        start = self.events[0].received
        lines = [
            {"at": round(event.received - start, 6), "event": dict(event.headers)}
            for event in self.events
        ]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (RECORDINGS / f"transfer-{name}.jsonl").write_text(text, "utf-8")
        self.events.clear()


async def answered(scene: Scene) -> None:
    await scene.given_call()
    await scene.given_three_way()
    await scene.operator.until("ended")
    await scene.until_transfer("completed")


async def no_answer(scene: Scene) -> None:
    scene.phones["2001"].on_invite = RING_FOREVER
    await scene.given_call()
    await scene.given_ringing_transfer()
    await scene.until_transfer("returned_to_agent")


async def busy(scene: Scene) -> None:
    scene.phones["2001"].on_invite = BUSY
    await scene.given_call()
    await scene.operator.press("*110")
    await scene.until_transfer("returned_to_agent")


async def rejected(scene: Scene) -> None:
    scene.phones["2001"].on_invite = DECLINE
    await scene.given_call()
    await scene.operator.press("*110")
    await scene.until_transfer("returned_to_agent")


async def operator_leaves(scene: Scene) -> None:
    scene.phones["2001"].on_invite = RING_FOREVER
    await scene.given_call()
    await scene.given_ringing_transfer()
    await scene.operator.hang_up()
    await asyncio.sleep(0.5)
    await scene.officer.answer()
    await scene.until_transfer("completed")


async def operator_leaves_in_vain(scene: Scene) -> None:
    scene.phones["2001"].on_invite = RING_FOREVER
    await scene.given_call()
    await scene.given_ringing_transfer()
    await scene.operator.hang_up()
    await scene.until_transfer("returned_to_queue")
    await (await scene.next_live_call("1001")).until("up")


SCENES: list[Callable[[Scene], Awaitable[None]]] = [
    answered, no_answer, busy, rejected, operator_leaves, operator_leaves_in_vain
]  # fmt: skip


async def main() -> None:
    """Record every scene."""
    plan = TownPlan(release="answered", ring_s=RING_S)
    async with town(plan) as running:
        for scene in SCENES:
            async with AsyncExitStack() as stack:
                stage = await stack.enter_async_context(open_scene(running))
                tape = Tape(running)
                await tape.ami.start()
                stack.push_async_callback(tape.ami.close)
                await scene(stage)
                await stage.citizen.hang_up()
                await stage.ends_clean()
                tape.save(scene.__name__)
                print(scene.__name__)


if __name__ == "__main__":
    asyncio.run(main())
