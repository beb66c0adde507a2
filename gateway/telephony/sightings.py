"""What each AMI event means for a call: one handler a name, alike for live and recorded events.

Events that concern no call of ours give nothing; deciding which call a unique id belongs to is
the registry's work.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from gateway.calls import events as e
from gateway.calls.facts import FailureReason
from gateway.clock import now
from gateway.ids import uuid7
from gateway.telephony.ami_event import AmiEvent
from gateway.telephony.port import Sighting
from gateway.telephony.seats import Seats
from gateway.telephony.untrusted import (
    cause_of,
    file_of,
    hops_of,
    number_of,
    room_of,
    stamp_of,
    target_of,
)

BUSY, REJECTED = "17", "21"
_REFUSALS = {
    BUSY: FailureReason.BUSY,
    REJECTED: FailureReason.REJECTED,
    "1": FailureReason.UNREACHABLE,
    "3": FailureReason.UNREACHABLE,
    "20": FailureReason.UNREACHABLE,
    "27": FailureReason.UNREACHABLE,
    "34": FailureReason.UNREACHABLE,
    "38": FailureReason.UNREACHABLE,
}
"""Q.850 causes of a phone that said no, as Asterisk maps them from SIP."""

SECOND_ROOM = "-consult"
"""After the name of the call's room: where an operator consults without the caller."""
_RINGING = "5"
"""ChannelState of a phone that has said that it rings (SIP 180)."""
_NO_RESPONSE = "18"
"""Cause of a phone, or PBX, that has let every INVITE go unanswered (PJSIP's timer B, or 408)."""
_LOCAL_FAR_END = ";2"
_KEPT_EARLY = 64
_TOLD_ONCE = frozenset({"Channel", "Uniqueid", "DestChannel", "DestUniqueid", "UserEvent", "Call"})
"""Headers that no event has twice."""


class Sightings:
    """Translates AMI events; keeps only which phones ring beneath which target's leg.

    Each phone's ring and refusal is told once, however often the switch tells it.
    """

    def __init__(
        self,
        seats: Seats,
        *,
        clock_offset_s: Callable[[], float],
        message_status: e.MessageStatus = "Actual",
    ) -> None:
        self._seats = seats
        self._message_status = message_status
        self._offset = clock_offset_s
        self._beneath: dict[str, str] = {}
        self._refused: set[str] = set()
        self._alerted: set[str] = set()
        self._spoke: set[str] = set()
        self._devices: dict[str, tuple[str, str]] = {}
        self._early: OrderedDict[str, FailureReason] = OrderedDict()
        self._called: set[str] = set()
        self._handlers: dict[str, Callable[[AmiEvent, datetime], Iterable[Sighting]]] = {
            "UserEvent": self._user_event,
            "AgentConnect": self._agent_connect,
            "DialBegin": self._dial_begin,
            "DialEnd": self._dial_end,
            "DialState": self._dial_state,
            "Newstate": self._new_state,
            "ConfbridgeJoin": self._joined,
            "ConfbridgeLeave": self._left,
            "Hold": self._held,
            "Unhold": self._held,
            "HangupRequest": self._hangup_request,
            "Hangup": self._hangup,
            "OriginateResponse": self._originate_response,
        }

    def of(self, event: AmiEvent) -> list[Sighting]:
        """The sightings of one event, in order."""
        if not _TOLD_ONCE.isdisjoint(event.repeated):
            return []  # what a stranger has sent reads like headers of the switch's own
        handler = self._handlers.get(event.name)
        return list(handler(event, now())) if handler else []

    def _user_event(self, event: AmiEvent, at: datetime) -> Iterator[Sighting]:
        name, room = event.get("UserEvent"), room_of(event.get("Call"))
        if name == "LiandongCall" and room and event.get("Uniqueid"):
            arrived = e.CallArrived(
                at,
                room=room,
                channel=event.get("Channel"),
                unique_id=event.get("Uniqueid"),
                caller_number=number_of(event.get("Caller")),
                called_number=number_of(event.get("Called")),
                centre=event.get("Centre"),
                recording=file_of(event.get("Recording")),
                message_status=self._message_status,
                handovers=hops_of(event.get("Hops")),
            )
            yield Sighting(arrived, room=room)
        elif name == "LiandongKey":
            yield from self._key(event, at, room)
        elif name == "LiandongHeld":
            yield Sighting(e.CallerHeld(at), room=room)
        elif name == "LiandongOnHold":
            yield Sighting(e.CallerOnHold(at), room=room)
        elif name == "LiandongRequeued":
            yield Sighting(e.CallerRequeued(at), room=room)
        elif name == "LiandongSigned":
            yield from self._signed(event, at)

    def _key(self, event: AmiEvent, at: datetime, room: str) -> Iterator[Sighting]:
        verb, stamp = event.get("Verb"), stamp_of(event.get("Stamp"))
        target = target_of(event.get("Target"))
        # A phone's own transfer is told by the caller's channel: it names who asked.
        asker = event.get("Asker") or event.get("Uniqueid")
        if stamp is None or target is None or verb not in set(e.Ask) or not asker:
            return
        age_s = at.timestamp() + self._offset() - stamp
        asked = e.Asked(
            at,
            ask=e.Ask(verb),
            ref=_press(event, stamp),
            target=target,
            unique_id=asker,
            native=event.get("Owner") == "native",
        )
        yield Sighting(e.KeyPressed(at, asked=asked, age_s=age_s), room=room)

    def _signed(self, event: AmiEvent, at: datetime) -> Iterator[Sighting]:
        leg_id = event.get("Uniqueid")
        if ".target." not in leg_id:
            return  # an operator's own key
        channel, unique_id = self._devices.get(leg_id, (event.get("Channel"), leg_id))
        party = self._seats.of_channel(channel)
        answered = e.TargetAnswered(at, leg_id, channel, unique_id, party, False, by_sign=True)
        yield Sighting(answered, unique_id=leg_id)

    def _agent_connect(self, event: AmiEvent, at: datetime) -> Iterator[Sighting]:
        channel = event.get("DestChannel")
        unique_id = event.get("DestUniqueid")
        party = self._seats.of_channel(channel)
        caller = event.get("Uniqueid")
        leg_id = _target_leg(caller)
        if leg_id:
            answered = e.TargetAnswered(at, leg_id, channel, unique_id, party, by_agent=True)
            yield Sighting(answered, unique_id=leg_id)
        else:
            yield Sighting(e.AgentConnected(at, channel, unique_id, party), unique_id=caller)

    def _dial_begin(self, event: AmiEvent, at: datetime) -> Iterator[Sighting]:
        caller, phone = event.get("Uniqueid"), event.get("DestUniqueid")
        leg_id = _target_leg(caller)
        if not leg_id and not caller:
            if event.get("DestChannel").startswith("Local/"):
                self._called.add(phone)  # a leg of ours has a channel: its Hangup will come
            else:
                leg_id = phone
        if leg_id and phone not in self._beneath:
            self._beneath[phone] = leg_id
            self._called.add(leg_id)
            yield Sighting(e.TargetTried(at, leg_id), unique_id=leg_id)
            if phone in self._alerted:
                yield Sighting(e.TargetRinging(at, leg_id), unique_id=leg_id)
            if early := self._early.pop(phone, None):
                self._refused.add(phone)
                yield Sighting(e.TargetRefused(at, leg_id, early), unique_id=leg_id)

    def _dial_end(self, event: AmiEvent, at: datetime) -> Iterator[Sighting]:
        caller, phone = event.get("Uniqueid"), event.get("DestUniqueid")
        channel = event.get("DestChannel")
        if event.get("DialStatus") != "ANSWER" or channel.startswith("Local/"):
            return
        party = self._seats.of_channel(channel)
        yield from self._alert(phone, at)
        leg_id = _target_leg(caller) or ("" if caller else phone)
        if leg_id:
            self._devices[leg_id] = (channel, phone)
            answered = e.TargetAnswered(at, leg_id, channel, phone, party, by_agent=False)
            yield Sighting(answered, unique_id=leg_id)
        else:
            yield Sighting(e.AgentConnected(at, channel, phone, party), unique_id=caller)

    def _dial_state(self, event: AmiEvent, at: datetime) -> Iterator[Sighting]:
        yield from self._alert(event.get("DestUniqueid"), at)

    def _new_state(self, event: AmiEvent, at: datetime) -> Iterator[Sighting]:
        if event.get("ChannelState") == _RINGING:
            yield from self._alert(event.get("Uniqueid"), at)

    def _alert(self, phone: str, at: datetime) -> Iterator[Sighting]:
        """A phone shows life, which is told once."""
        leg_id = self._beneath.get(phone)
        if leg_id and phone not in self._alerted:
            yield Sighting(e.TargetRinging(at, leg_id), unique_id=leg_id)
        self._alerted.add(phone)

    def _joined(self, event: AmiEvent, at: datetime) -> Iterator[Sighting]:
        room, aside = _room(event)
        bridge = event.get("BridgeUniqueid")
        joined = e.RoomJoined(at, event.get("Uniqueid"), event.get("Channel"), aside, bridge=bridge)
        yield Sighting(joined, room=room)

    def _left(self, event: AmiEvent, at: datetime) -> Iterator[Sighting]:
        room, aside = _room(event)
        yield Sighting(e.RoomLeft(at, event.get("Uniqueid"), aside), room=room)

    def _held(self, event: AmiEvent, at: datetime) -> Iterator[Sighting]:
        unique_id = event.get("Uniqueid")
        yield Sighting(e.Held(at, unique_id, event.name == "Hold"), unique_id=unique_id)

    def _hangup_request(self, event: AmiEvent, at: datetime) -> Iterator[Sighting]:
        unique_id = event.get("Uniqueid")
        yield from self._refusal(event, at)
        if event.get("Cause") != _NO_RESPONSE:
            self._spoke.add(unique_id)
        yield Sighting(e.HangupRequested(at, unique_id), unique_id=unique_id)

    def _hangup(self, event: AmiEvent, at: datetime) -> Iterator[Sighting]:
        unique_id = event.get("Uniqueid")
        yield from self._refusal(event, at)
        yield from self._silent(unique_id, at)
        yield from self._mute(unique_id, at)
        self._beneath.pop(unique_id, "")
        self._alerted.discard(unique_id)
        self._spoke.discard(unique_id)
        self._refused.discard(unique_id)
        self._called.discard(unique_id)
        self._devices.pop(unique_id, None)
        ended = e.ChannelEnded(at, unique_id, cause_of(event.get("Cause")))
        yield Sighting(ended, unique_id=unique_id)

    def _refusal(self, event: AmiEvent, at: datetime) -> Iterator[Sighting]:
        # A phone's HangupRequest comes before the word that the whole leg has failed, its Hangup
        # may come after it.
        unique_id, cause = event.get("Uniqueid"), event.get("Cause")
        leg_id = self._beneath.get(unique_id)
        if cause not in _REFUSALS:
            return
        if leg_id is None:
            # A phone can refuse faster than the switch says that it rings.
            self._early[unique_id] = _REFUSALS[cause]
            if len(self._early) > _KEPT_EARLY:
                self._early.popitem(last=False)
        elif unique_id not in self._refused:
            self._refused.add(unique_id)
            refused = e.TargetRefused(at, leg_id, _REFUSALS[cause])
            yield Sighting(refused, unique_id=leg_id)

    def _silent(self, leg_id: str, at: datetime) -> Iterator[Sighting]:
        """A leg has ended: so has all that was called beneath it."""
        for phone, beneath in self._beneath.items():
            if beneath == leg_id:
                yield from self._mute(phone, at)

    def _mute(self, phone: str, at: datetime) -> Iterator[Sighting]:
        """A phone's call has ended: one that never said a word is not there."""
        leg_id = self._beneath.get(phone)
        if leg_id and phone not in self._alerted | self._spoke | self._refused:
            self._refused.add(phone)
            refused = e.TargetRefused(at, leg_id, FailureReason.UNREACHABLE)
            yield Sighting(refused, unique_id=leg_id)

    def _originate_response(self, event: AmiEvent, at: datetime) -> Iterator[Sighting]:
        # For a leg that never had a channel. Else its own Hangup tells, and comes after the word of
        # every phone, where this may come before the first one's.
        unique_id = event.get("Uniqueid")
        if unique_id in self._called:
            return
        if event.get("Response") == "Failure" and unique_id not in {"", "<null>"}:
            failed = e.TargetFailed(at, unique_id)
            yield Sighting(failed, unique_id=unique_id)


def _press(event: AmiEvent, stamp: float) -> str:
    """The id of one key press: the same however often the switch tells of it."""
    told = (event.get("Uniqueid"), event.get("Verb"), event.get("Target"), event.get("Stamp"))
    entropy = hashlib.sha256("\0".join(told).encode()).digest()[:10]
    return str(uuid7(int(stamp * 1000), entropy))


def _room(event: AmiEvent) -> tuple[str, bool]:
    """The call's room, and whether this is the second one beside it."""
    name = event.get("Conference")
    return name.removesuffix(SECOND_ROOM), name.endswith(SECOND_ROOM)


def _target_leg(unique_id: str) -> str:
    """The target's leg whose far end (Local/...;2) is `unique_id`; '' for any other channel."""
    if ".target." in unique_id and unique_id.endswith(_LOCAL_FAR_END):
        return unique_id.removesuffix(_LOCAL_FAR_END)
    return ""
