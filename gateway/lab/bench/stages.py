"""From what the switch, the phones and the journal saw of one transfer to the time of each stage.

All moments are Unix seconds of one machine's clock: the phones' from the kernel, the switch's
from the `Timestamp` of its events (``timestampevents=yes``), the gateway's from its journal.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

STAGES: Mapping[str, str] = {
    "key_invite": "key's end packet → INVITE at 110's phone",
    "key_event": "key's end packet → key event on the switch",
    "event_seen": "  key event → seen by the gateway",
    "seen_move": "  seen → move into the room decided",
    "move_ring": "  move decided → ringing decided (the switch has taken the move)",
    "ring_channel": "  ringing decided → target's channel made",
    "event_channel": "key event → target's channel made (the four before, or natively)",
    "channel_dial": "target's channel → its queue dials a phone",
    "dial_invite": "queue dials → INVITE at the phone",
    "event_joined": "key event → caller and operator in the room",
    "answer_joined": "110's answer → 110 in the room",
    "caller_gap": "caller: longest silence while moved",
    "hangup_ticket": "caller's hang-up → final ticket at the order system",
}
"""Stage -> what it is; the indented ones are the gateway's own part."""


class SwitchEvent(Protocol):
    """An AMI event as the witness keeps it."""

    @property
    def name(self) -> str: ...

    @property
    def at(self) -> float: ...

    def get(self, key: str) -> str: ...


@dataclass(frozen=True)
class Moments:
    """What the phones know of one transfer, Unix seconds; 0: it did not come to that."""

    key: float
    invite: float
    answer: float = 0.0


@dataclass(frozen=True)
class Decisions:
    """What the gateway's journal says of one transfer, Unix seconds; 0: not there."""

    seen: float = 0.0
    move: float = 0.0
    ring: float = 0.0


def when(event: SwitchEvent) -> float:
    """When the switch made `event`: its own stamp, else the witness's."""
    try:
        return float(event.get("Timestamp"))
    except ValueError:
        return event.at


@dataclass(frozen=True)
class _Switch:
    event: float
    joined: float
    channel: float
    dial: float
    target_joined: float


def stages(
    moments: Moments, seen: Sequence[SwitchEvent], decided: Decisions | None = None
) -> dict[str, float]:
    """Return the milliseconds of each stage that both its ends were seen of."""
    switch, gateway = _on_switch(seen), decided or Decisions()
    spans = {
        "key_invite": (moments.key, moments.invite),
        "key_event": (moments.key, switch.event),
        "event_seen": (switch.event, gateway.seen),
        "seen_move": (gateway.seen, gateway.move),
        "move_ring": (gateway.move, gateway.ring),
        "ring_channel": (gateway.ring, switch.channel),
        "event_joined": (switch.event, switch.joined),
        "event_channel": (switch.event, switch.channel),
        "channel_dial": (switch.channel, switch.dial),
        "dial_invite": (switch.dial, moments.invite),
        "answer_joined": (moments.answer, switch.target_joined),
    }
    return {name: (b - a) * 1000 for name, (a, b) in spans.items() if a and b}


def _on_switch(seen: Sequence[SwitchEvent]) -> _Switch:
    joins = [event for event in seen if event.name == "ConfbridgeJoin"]
    both = [e for e in joins if e.get("Channel").startswith(("PJSIP/city-", "PJSIP/1"))]
    dials = [
        e for e in seen if e.name == "DialBegin" and e.get("DestChannel").startswith("PJSIP/2")
    ]
    return _Switch(
        event=_first(e for e in seen if e.get("UserEvent") == "LiandongKey"),
        joined=when(both[1]) if len(both) > 1 else 0.0,
        channel=_first(e for e in seen if e.name == "Newchannel" and _targets(e)),
        dial=_first(dials),
        target_joined=_first(event for event in joins if _targets(event)),
    )


def _targets(event: SwitchEvent) -> bool:
    channel = event.get("Channel")
    return channel.startswith("Local/110@") and channel.endswith(";1")


def _first(events: Iterable[SwitchEvent]) -> float:
    return next((when(event) for event in events), 0.0)
