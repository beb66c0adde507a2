"""From packets to phones' legs: when each rang, was answered, held, pressed and ended. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.errors import MalformedMessage
from gateway.lab.leg_check.capture import EVENTS, Packet
from gateway.lab.phones import sdp
from gateway.lab.phones.sip_address import parse_name_addr
from gateway.lab.phones.sip_message import Message, Request, Response, parse

_DIGITS = "0123456789*#ABCD"
_KEY_PAUSE_S = 1.0
"""A longer pause begins another code."""
_CHALLENGES = (401, 407)


class Key(NamedTuple):
    """A code such as `*110`; `at`: the end of its last digit."""

    at: float
    code: str


class Hold(NamedTuple):
    """A re-INVITE of the phone: from now on it sends only (`on`), or both ways again."""

    at: float
    on: bool


@dataclass
class WireLeg:
    """One SIP dialog between a phone and the PBX; Unix seconds, None: it did not come to that."""

    user: str
    number: str
    """The caller's number: the same in every leg of a call."""
    calls_in: bool
    """The phone has called the PBX: it is the caller's."""
    invited: float
    phone: int
    """The phone's SIP port."""
    rang: float | None = None
    answered: float | None = None
    ended: float | None = None
    referred: float | None = None
    holds: list[Hold] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    media: int = 0
    """The phone's RTP port."""
    refused: bool = False
    """The phone itself said no."""


def legs_of(packets: Iterable[Packet], sip_port: int) -> list[WireLeg]:
    """Every leg in the capture, by when it was invited."""
    legs: dict[str, WireLeg] = {}
    digits: list[tuple[float, int, str]] = []
    seen: set[tuple[int, bytes]] = set()
    for packet in packets:
        if sip_port not in (packet.source, packet.dest):
            _note_digit(packet, digits, seen)
            continue
        try:
            message = parse(packet.data)
        except MalformedMessage:
            continue  # a keep-alive
        if message.cseq_method in ("REGISTER", "OPTIONS"):
            continue
        _apply(legs, message, packet, sip_port)
    found = sorted(legs.values(), key=lambda leg: leg.invited)
    for at, port, digit in digits:
        _press(found, at, port, digit)
    return found


def _apply(legs: dict[str, WireLeg], message: Message, packet: Packet, sip_port: int) -> None:
    leg = legs.get(message.call_id)
    from_phone = packet.dest == sip_port
    if isinstance(message, Request):
        if message.method == "INVITE" and not message.to.tag:
            _invited(legs, message, packet, from_phone=from_phone)
        elif leg is not None:
            _asked(leg, message, packet, from_phone=from_phone)
    elif isinstance(message, Response) and leg is not None and message.cseq_method == "INVITE":
        _told(leg, message, packet.at, from_phone=from_phone)


def _invited(
    legs: dict[str, WireLeg], invite: Request, packet: Packet, *, from_phone: bool
) -> None:
    if (known := legs.get(invite.call_id)) is not None:
        known.invited = packet.at if known.answered is None and from_phone else known.invited
        return
    asserted = invite.headers.lists("p-asserted-identity")
    caller = parse_name_addr(asserted[0]) if asserted else invite.from_
    user = invite.from_.user if from_phone else invite.uri.partition("@")[0].partition(":")[2]
    port = packet.source if from_phone else packet.dest
    leg = legs[invite.call_id] = WireLeg(user, caller.user, from_phone, packet.at, port)
    if from_phone:
        leg.media = _media_port(invite)


def _asked(leg: WireLeg, request: Request, packet: Packet, *, from_phone: bool) -> None:
    if request.method in ("BYE", "CANCEL"):
        leg.ended = leg.ended or packet.at
    elif request.method == "REFER" and from_phone:
        leg.referred = leg.referred or packet.at
    elif request.method == "INVITE" and from_phone and request.body:
        on = sdp.parse(request.body).direction in ("sendonly", "inactive")
        if on != (leg.holds[-1].on if leg.holds else False):
            leg.holds.append(Hold(packet.at, on))


def _told(leg: WireLeg, response: Response, at: float, *, from_phone: bool) -> None:
    if response.status in (180, 183):
        leg.rang = leg.rang or at
    elif 200 <= response.status < 300:
        leg.answered = leg.answered or at
        if from_phone and not leg.media:
            leg.media = _media_port(response)
    elif response.status >= 300 and response.status not in _CHALLENGES and not leg.answered:
        leg.refused = leg.refused or (from_phone and leg.ended is None)
        leg.ended = leg.ended or at


def _media_port(message: Message) -> int:
    return sdp.parse(message.body).port if message.body else 0


def _note_digit(
    packet: Packet, digits: list[tuple[float, int, str]], seen: set[tuple[int, bytes]]
) -> None:
    """An event's end packet, the first of three alike (RFC 4733 section 2.5.1.4)."""
    data = packet.data
    if len(data) < 16 or data[1] & 0x7F != EVENTS or not data[13] & 0x80:
        return
    once = (packet.source, data[4:8])
    if once not in seen and data[12] < len(_DIGITS):
        seen.add(once)
        digits.append((packet.at, packet.source, _DIGITS[data[12]]))


def _press(legs: list[WireLeg], at: float, port: int, digit: str) -> None:
    for leg in legs:
        if leg.media == port and leg.answered and leg.answered <= at <= (leg.ended or at):
            last = leg.keys[-1] if leg.keys else Key(0.0, "")
            if digit != "*" and at - last.at < _KEY_PAUSE_S:
                leg.keys[-1] = Key(at, last.code + digit)
            else:
                leg.keys.append(Key(at, digit))
