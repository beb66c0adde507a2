"""A recording as a script: the steps of one connection, which a test may edit before replay."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

RECORDINGS = Path(__file__).parent / "recordings"
END = "\r\n\r\n"


@dataclass(frozen=True)
class Step:
    """`action` from the client, or `message` (event or reply) from the switch, or `mute`."""

    kind: str
    text: str = ""

    def header(self, name: str) -> str:
        """Return a header's last value, '' if absent."""
        return dict(self.headers()).get(name, "")

    def headers(self) -> Iterator[tuple[str, str]]:
        """Every header in order, as sent."""
        for line in self.text.split("\r\n"):
            name, colon, value = line.partition(": ")
            if colon:
                yield name, value

    def with_id(self, action_id: str) -> "Step":
        """The same step under another ActionID."""
        old = self.header("ActionID")
        return replace(self, text=self.text.replace(old, action_id) if old else self.text)


MUTE = Step("mute")


def load(name: str, conn: int = 1) -> list[Step]:
    """Steps of connection `conn` of a recording, heartbeats left out."""
    steps: list[Step] = []
    buffers = {"client": b"", "switch": b""}
    for line in (RECORDINGS / f"{name}.jsonl").read_text("ascii").splitlines():
        entry = json.loads(line)
        if entry["conn"] != conn or "data" not in entry:
            continue
        source = entry["from"]
        # Bytes until a whole message is there: a TCP read may have cut a character in two.
        data = entry["data"].encode("utf-8", "surrogateescape")
        *blocks, buffers[source] = (buffers[source] + data).split(END.encode())
        kind = "action" if source == "client" else "message"
        steps += [Step(kind, _without_banner(block.decode())) for block in blocks]
    return list(_without_pings(steps))


def _without_banner(block: str) -> str:
    return block.split("\r\n", 1)[1] if block.startswith("Asterisk Call Manager") else block


def _without_pings(steps: list[Step]) -> Iterator[Step]:
    pings = {step.header("ActionID") for step in steps if step.header("Action") == "Ping"}
    for step in steps:
        if step.header("ActionID") not in pings:
            yield step


def login_of(steps: list[Step]) -> list[Step]:
    """The steps up to FullyBooted: what every conversation begins with."""
    for index, step in enumerate(steps):
        if step.header("Event") == "FullyBooted":
            return steps[: index + 1]
    raise ValueError("the recording has no FullyBooted event")


def find(steps: list[Step], name: str) -> int:
    """Index of the first step whose Event, Action or replied-to ActionID names `name`."""
    for index, step in enumerate(steps):
        if name in {step.header("Event"), step.header("Action")}:
            return index
    raise ValueError(f"no {name} in the recording")


def reply_to(steps: list[Step], action: str) -> int:
    """Index of the reply to the first action of that name."""
    wanted = steps[find(steps, action)].header("ActionID")
    for index, step in enumerate(steps):
        is_reply = step.kind == "message" and not step.header("Event")
        if is_reply and step.header("ActionID") == wanted:
            return index
    raise ValueError(f"no reply to {action} in the recording")
