"""Make the recordings again on a real Asterisk: `python -m tests.contract.record --port N`.

The switch must run the configuration in `switch/` (see its asterisk.conf). Only Local channels,
numbers and names are made up.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.errors import SwitchRefused

from .bench import Bench, bare, close_bare
from .capture import Capture

RECORDINGS = Path(__file__).parent / "recordings"
CALLER = '"张三丰" <13800000001>'


class Stage(Bench):
    """A bench that can place the calls of a scene."""

    async def ring(self, channel: str, exten: str, channel_id: str) -> None:
        await self.ami.send(
            "Originate",
            {
                "Channel": f"Local/{channel}@contract/n",
                "Context": "contract",
                "Exten": exten,
                "Priority": "1",
                "CallerID": CALLER,
                "ChannelId": channel_id,
                "OtherChannelId": f"{channel_id}-2",
                "Timeout": "3000",
            },
        )

    async def hang_up_all(self) -> None:
        shown = await self.ami.collect("CoreShowChannels")
        for event in shown.events:
            if event.get("Channel").startswith("Local/"):
                await self.ami.send("Hangup", {"Channel": event.get("Channel")})


async def key(bench: Stage) -> None:
    await bench.ring("answer", "key", "ld-1.caller.1")
    await bench.until("UserEvent")
    await bench.hang_up_all()
    await bench.until("Hangup", 2)


async def no_answer(bench: Stage) -> None:
    await bench.ring("ring", "key", "ld-2.target.1")
    await bench.until("OriginateResponse")
    await bench.until("Hangup", 2)


async def busy(bench: Stage) -> None:
    await bench.ring("busy", "key", "ld-3.target.1")
    await bench.until("OriginateResponse")
    await bench.until("Hangup", 2)


async def room(bench: Stage) -> None:
    await bench.ring("answer", "room", "ld-4.caller.1")
    await bench.ring("answer", "room", "ld-4.target.1")
    await bench.until("ConfbridgeJoin", 2)
    await bench.ami.collect("CoreShowChannels")
    await bench.ami.collect("ConfbridgeList", {"Conference": "ld-recorded-1"})
    await bench.hang_up_all()
    await bench.until("ConfbridgeEnd")


async def queue(bench: Stage) -> None:
    await bench.ring("answer", "queue", "ld-5.caller.1")
    await bench.until("AgentConnect")
    await bench.ami.collect("QueueStatus")
    await bench.hang_up_all()
    await bench.until("AgentComplete")


async def dial(bench: Stage) -> None:
    await bench.ring("answer", "dial", "ld-6.caller.1")
    await bench.until("DialEnd", 2)
    await bench.ami.send("PlayDTMF", {"Channel": "ld-6.caller.1", "Digit": "1", "Receive": "true"})
    await bench.hang_up_all()
    await bench.until("Hangup", 4)


async def refused(bench: Stage) -> None:
    for action, headers in {
        "Redirect": {"Channel": "gone", "Context": "contract", "Exten": "room", "Priority": "1"},
        "NoSuchAction": {},
    }.items():
        try:
            await bench.ami.send(action, headers)
        except SwitchRefused:
            continue
        raise AssertionError(f"{action} was not refused")


async def _with_bench(port: int, scene: Callable[[Stage], Awaitable[None]]) -> None:
    bench = Stage(port)
    await bench.ami.start()
    try:
        await scene(bench)
    finally:
        await bench.ami.close()


async def bare_queued(capture: Capture) -> None:
    """panoramisk alone; PlayDTMF's reply ends in 'successfully queued'."""
    manager = bare(capture.port)
    answered = asyncio.Event()
    manager.register_event("OriginateResponse", lambda *_: answered.set())
    await manager.connect()
    await manager.send_action({
        "Action": "Originate", "Channel": "Local/answer@contract/n", "Async": "true",
        "Application": "Milliwatt", "ChannelId": "ld-7.caller.1",
    })  # fmt: skip
    manager.connect = lambda: None
    manager.send_action({"Action": "PlayDTMF", "Channel": "ld-7.caller.1", "Digit": "1"})
    await asyncio.sleep(1)
    await close_bare(manager)


async def bare_replay(capture: Capture) -> None:
    """panoramisk alone; the connection falls between an Originate and its reply."""
    manager = bare(capture.port)
    placed: asyncio.Queue[str] = asyncio.Queue()
    manager.register_event("UserEvent", lambda _, event: placed.put_nowait(event.uniqueid))
    await manager.connect()
    await asyncio.wait_for(manager.authenticated_future, 5)
    capture.cut_after = "Originate"
    manager.send_action({
        "Action": "Originate", "Channel": "Local/answer@contract/n", "Async": "true",
        "Context": "contract", "Exten": "key", "Priority": "1",
    })  # fmt: skip
    await asyncio.wait_for(placed.get(), 10)
    await close_bare(manager)


async def bare_forged(capture: Capture) -> None:
    """panoramisk alone; a caller's number that carries a whole second action."""
    manager = bare(capture.port)
    await manager.connect()
    await manager.authenticated_future
    hidden = ["Action: Setvar", "ActionID: forged", "Variable: LD_FORGED", "Value: 1"]
    forged = "\r\n".join(["13800000001", "", *hidden])
    manager.send_action({"Action": "Setvar", "Value": forged, "Variable": "LD_NUMBER"})
    await asyncio.sleep(0.5)
    await close_bare(manager)


SCENES = (key, no_answer, busy, room, queue, dial, refused)
BARE = (bare_queued, bare_forged, bare_replay)


async def main(host: str, port: int, only: str) -> None:
    RECORDINGS.mkdir(exist_ok=True)
    for scene in (*SCENES, *BARE):
        if only not in ("", scene.__name__):
            continue
        path = RECORDINGS / f"{scene.__name__}.jsonl"
        async with Capture(host, port, path) as capture:
            if scene in SCENES:
                await _with_bench(capture.port, scene)
            else:
                await scene(capture)
        print(f"{path.name}: {len(path.read_text().splitlines())} reads")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    asyncio.run(main(asked.host, asked.port, asked.only))
