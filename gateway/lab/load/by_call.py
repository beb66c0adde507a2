"""Which of the switch's events belong to which call, where many go on at a time. No I/O."""

from collections.abc import Sequence

from gateway.lab.bench.stages import SwitchEvent


def by_room(events: Sequence[SwitchEvent]) -> dict[str, list[SwitchEvent]]:
    """The events of each call, in their order, by the name of its room (LD_CALL).

    A channel belongs to the call whose LD_CALL it has at any time; both halves of a Local channel
    to that of either.
    """
    rooms = {
        _line(event.get("Channel")): event.get("Value")
        for event in events
        if event.name == "VarSet" and event.get("Variable").lstrip("_") == "LD_CALL"
    }
    found: dict[str, list[SwitchEvent]] = {}
    for event in events:
        named = event.get("Conference") or (event.get("Call") if event.name == "UserEvent" else "")
        if room := named or rooms.get(_line(event.get("Channel"))):
            found.setdefault(room, []).append(event)
    return found


def _line(channel: str) -> str:
    return channel.removesuffix(";1").removesuffix(";2")
