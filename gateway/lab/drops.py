"""Which callers were dropped: the phones say who hung up, the switch's events in which order.

*Dropped*: the PBX ended the caller's leg while neither the caller nor the last human on the call
had hung up. A caller ended while held, queued or with a live transfer counts too, whoever had
hung up before: they were promised that somebody would come.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from gateway.lab.phones.call import CallState
from gateway.lab.phones.phone import Phone

CALLER = "city"
_TOGETHER_S = 5.0
"""A phone's call and its channel begin within this time of each other."""
_WAITING = {"LiandongHeld", "LiandongRequeued"}
_ROOM = "ld-"


class Event(Protocol):
    """One AMI event: `at` is seconds of time.time()."""

    @property
    def name(self) -> str: ...

    @property
    def at(self) -> float: ...

    def get(self, key: str) -> str: ...


@dataclass(frozen=True)
class PhoneLeg:
    """A call as its phone knows it; times are seconds of time.time()."""

    user: str
    began: float
    ended_by: Literal["", "local", "remote"] = ""
    ended: float = float("inf")


def phone_legs(phones: Mapping[str, Phone]) -> list[PhoneLeg]:
    """Every call of every phone, by user name."""
    return [
        PhoneLeg(
            user,
            call.at[CallState.DIALLING].wall,
            call.ended_by,
            call.at[CallState.ENDED].wall if call.ended else float("inf"),
        )
        for user, phone in phones.items()
        for call in phone.calls
    ]


@dataclass
class _Channel:
    """A phone's channel on the switch."""

    unique_id: str
    name: str
    room: str = ""
    phone: PhoneLeg | None = None
    talked: float = float("inf")
    """When it first was in a bridge."""
    ended: float = float("inf")
    asked: float = float("inf")
    """When the switch was told by its far end to hang it up."""
    bridges: set[str] = field(default_factory=set)
    waits: list[float] = field(default_factory=list)
    """When it was held or queued."""
    ringing_until: float = 0.0

    @property
    def hung_up(self) -> float:
        """When whoever is at the phone hung up; infinite: they did not."""
        if self.phone is None:
            return self.asked
        return self.phone.ended if self.phone.ended_by == "local" else float("inf")

    @property
    def left(self) -> float:
        return min(self.hung_up, self.ended)


def drops(events: Sequence[Event], legs: Sequence[PhoneLeg]) -> list[str]:
    """Names of the callers' channels that were dropped, in the order of their ends.

    Of a user without any of `legs` the switch's HangupRequest says who hung up.
    """
    channels = _channels(events, legs)
    callers = [one for one in channels if _user(one.name) == CALLER and one.ended < float("inf")]
    others = [one for one in channels if _user(one.name) != CALLER]
    callers.sort(key=lambda one: one.ended)
    return [one.name for one in callers if _dropped(one, others)]


def _dropped(caller: _Channel, others: Iterable[_Channel]) -> bool:
    if caller.hung_up < float("inf"):
        return False
    end = min(caller.ended, caller.phone.ended) if caller.phone else caller.ended
    humans = [one for one in others if one.talked < end and _with(one, caller)]
    last = max(humans, key=lambda one: one.left, default=None)
    if last is None or last.hung_up > end or last.hung_up > last.ended:
        return True
    waited = any(last.hung_up < at <= end for at in caller.waits)
    return waited or caller.ringing_until > end


def _with(human: _Channel, caller: _Channel) -> bool:
    return human.room == _ROOM + caller.unique_id or bool(human.bridges & caller.bridges)


def _channels(events: Sequence[Event], legs: Sequence[PhoneLeg]) -> list[_Channel]:
    found: dict[str, _Channel] = {}
    free = list(legs)
    for event in events:
        unique_id, name = event.get("Uniqueid"), event.get("Channel")
        if event.name == "Newchannel" and name.startswith("PJSIP/"):
            channel = found[unique_id] = _Channel(unique_id, name)
            channel.phone = _nearest(free, _user(name), event.at)
        elif event.name == "UserEvent" and event.get("UserEvent") in _WAITING:
            if caller := found.get(event.get("Call").removeprefix(_ROOM)):
                caller.waits.append(event.at)
        elif channel_ := found.get(unique_id):
            _take(channel_, event)
    return list(found.values())


def _nearest(free: list[PhoneLeg], user: str, at: float) -> PhoneLeg | None:
    near = [one for one in free if one.user == user and abs(one.began - at) < _TOGETHER_S]
    if not near:
        return None
    leg = min(near, key=lambda one: abs(one.began - at))
    free.remove(leg)
    return leg


def _take(channel: _Channel, event: Event) -> None:
    if event.name == "BridgeEnter":
        channel.bridges.add(event.get("BridgeUniqueid"))
        channel.talked = min(channel.talked, event.at)
    elif event.name == "VarSet" and event.get("Variable").lstrip("_") == "LD_CALL":
        channel.room = event.get("Value")
    elif event.name == "VarSet" and event.get("Variable") == "SHARED(LD_RING_UNTIL)":
        value = event.get("Value")
        channel.ringing_until = float(value) if value.isdigit() else 0.0
    elif event.name == "QueueCallerJoin":
        channel.waits.append(event.at)
    elif event.name == "HangupRequest":
        channel.asked = min(channel.asked, event.at)
    elif event.name == "Hangup":
        channel.ended = min(channel.ended, event.at)


def _user(channel: str) -> str:
    return channel.removeprefix("PJSIP/").rpartition("-")[0]
