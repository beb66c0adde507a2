"""One call as the person at the phone sees it, whoever began it."""

import asyncio
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol

from gateway.errors import MalformedMessage, PhoneError, PhoneTimeout
from gateway.lab.phones import sdp
from gateway.lab.phones.dialog import Dialog, with_sdp
from gateway.lab.phones.dtmf import KeyPress
from gateway.lab.phones.heard import Heard
from gateway.lab.phones.media import PlayedSpan
from gateway.lab.phones.phone_settings import PhoneSettings
from gateway.lab.phones.refer import Referral, refer_request
from gateway.lab.phones.sip_message import Message, Request, Response, respond
from gateway.lab.phones.sip_transaction import ServerTransaction, TransactionLayer
from gateway.lab.phones.stamp import Stamp, stamp


class CallState(StrEnum):
    """States in the order a call passes them; some are skipped."""

    DIALLING = "dialling"
    RINGING = "ringing"
    EARLY = "early"
    """Audio before the answer (183, or 180 with SDP)."""
    UP = "up"
    ENDED = "ended"


_ORDER = list(CallState)


@dataclass(frozen=True)
class EndCause:
    """Why a call ended. `sip` is the final status of the INVITE, or 0 when ended by BYE;
    `q850` the ISDN cause of a Reason header (RFC 3326), or 0."""

    sip: int = 0
    q850: int = 0
    text: str = ""


class CallOwner(Protocol):
    """What a call needs of its phone."""

    @property
    def layer(self) -> TransactionLayer: ...

    def call_ended(self, call: "PhoneCall") -> None: ...


class PhoneCall(ABC):
    """Times are on both clocks (`Stamp`). Not for use after its phone is closed."""

    def __init__(self, owner: CallOwner, settings: PhoneSettings, dialog: Dialog) -> None:
        self._owner = owner
        self._settings = settings
        self.dialog = dialog
        self.media = settings.media(owner.layer.transport.address[0])
        self.state = CallState.DIALLING
        self.at: dict[CallState, Stamp] = {CallState.DIALLING: stamp()}
        """When each state was reached; states skipped are absent."""
        self.ended_by: Literal["", "local", "remote"] = ""
        self.cause = EndCause()
        self._changed = asyncio.Event()
        self._sdp_version = 0
        self._wants_ack: ServerTransaction | None = None
        self._referral: Referral | None = None

    def __repr__(self) -> str:
        end = f" by {self.ended_by} {self.cause}" if self.ended else ""
        return f"<{type(self).__name__} {self.dialog.call_id} {self.state}{end}>"

    @property
    def heard(self) -> Heard:
        """Everything received: audio, keys, times."""
        return self.media.heard

    @property
    def ended(self) -> bool:
        return self.state is CallState.ENDED

    async def until(self, state: CallState | str, timeout_s: float = 5.0) -> Stamp:
        """Wait until `state` is reached or passed; returns when that was.

        Raises PhoneTimeout, or PhoneError when the call ended without reaching it.
        """
        wanted = CallState(state)
        try:
            async with asyncio.timeout(timeout_s):
                while (reached := self._reached(wanted)) is None:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise PhoneTimeout(f"not {wanted} in {timeout_s:g} s: {self!r}") from None
        return reached

    @abstractmethod
    async def hang_up(self) -> None:
        """End the call as its state demands: CANCEL, refusal or BYE. Nothing when it has ended."""

    async def press(self, digits: str, tone_ms: int = 100, gap_ms: int = 80) -> KeyPress:
        """Press keys as RFC 4733 events; returns when the first end packet of the last has left.

        `KeyPress.at` is that moment. Times are rounded up to 20 ms.
        """
        return await self.media.press(digits, tone_ms, gap_ms)

    async def play(self, recording: Path | str | bytes) -> PlayedSpan:
        """Say raw 8 kHz A-law (a file, or the octets); returns when it has been said."""
        return await self.media.play(recording)

    def tone(self, freq_hz: int | None) -> None:
        """Say a tone in place of silence, until told another or None."""
        self.media.set_tone(freq_hz)

    def hears_tone(self, freq_hz: float, window_ms: float = 200) -> bool:
        """Whether that tone is in what came last; see `Heard.hears_tone`."""
        return self.heard.hears_tone(freq_hz, window_ms)

    async def until_hears(self, freq_hz: float, timeout_s: float = 5.0) -> None:
        """Wait for a tone; raises PhoneTimeout."""
        await self.heard.until_hears(freq_hz, timeout_s)

    def rms(self, window_ms: float = 200) -> float:
        """Loudness of what came last, 0 to 32768."""
        return self.heard.rms(window_ms)

    async def refer(self, target: str, *, replaces: "PhoneCall | None" = None) -> Referral:
        """Ask the PBX to move the other side to `target`, or into the call `replaces` (attended).

        Returns with the answer to the REFER; `Referral.progress` grows as the PBX reports.
        """
        self._referral = referral = Referral()
        uri = self._settings.uri_of(target)
        request = refer_request(self.dialog, uri, replaces.dialog if replaces else None)
        response = await self._owner.layer.send(request, self.dialog.peer).final
        referral.status = response.status
        return referral

    async def hold(self, *, on: bool = True) -> None:
        """Put the other side on hold, or go on (RFC 3264 section 8.4). Raises PhoneError."""
        invite = self.dialog.request("INVITE")
        with_sdp(invite, self._sdp(None, "sendonly" if on else "sendrecv"))
        response = await self._owner.layer.send(invite, self.dialog.peer).final
        if response.status != 200:
            raise PhoneError(f"the PBX answered {response.status} to hold: {self!r}")
        self._ack(response)

    def abandon(self) -> None:
        """End the call here without a word to the PBX."""
        self._end("local", EndCause(text="abandoned"))

    def on_request(self, server: ServerTransaction) -> None:
        """Handle a request inside the dialog."""
        request = server.request
        if request.cseq < self.dialog.remote_cseq:
            server.respond(respond(request, 500))
            return
        self.dialog.remote_cseq = request.cseq
        if request.method == "BYE":
            server.respond(respond(request, 200))
            self._end("remote", cause_of(request))
        elif request.method in ("INVITE", "UPDATE"):
            self._on_offer(server)
        elif request.method in ("OPTIONS", "INFO", "NOTIFY"):
            if self._referral is not None and request.method == "NOTIFY":
                self._referral.note(request)
            server.respond(respond(request, 200))
        else:
            server.respond(respond(request, 405))

    def on_ack(self, ack: Request) -> None:
        """Handle an ACK; its SDP is the answer where ours was the offer."""
        if ack.body:
            self._take_sdp(ack)
        if self._wants_ack is not None and self._wants_ack.request.cseq == ack.cseq:
            self._wants_ack.acknowledged()
            self._wants_ack = None

    def _on_offer(self, server: ServerTransaction) -> None:
        """A re-INVITE or UPDATE: take the new address and answer with ours."""
        request = server.request
        response = respond(request, 200)
        response.headers.add("contact", self.dialog.contact)
        if request.contact_uri:
            self.dialog.target = request.contact_uri
        if request.body and not self._take_sdp(request):
            server.respond(respond(request, 488))
            return
        if request.body or request.method == "INVITE":
            with_sdp(response, self._sdp(self.media.remote if request.body else None))
        if request.method == "INVITE":
            self._wants_ack = server
        server.respond(response)

    def _take_sdp(self, message: Message) -> bool:
        """Connect the audio to what `message` describes; False when that cannot be."""
        try:
            remote = sdp.parse(message.body)
        except MalformedMessage:
            return False
        if not remote.takes_alaw:
            return False
        self.media.connect(remote)
        return True

    def _sdp(self, remote: sdp.MediaDescription | None, direction: str = "sendrecv") -> bytes:
        self._sdp_version += 1
        host, port = self.media.address
        return sdp.build(
            host,
            port,
            session_id=id(self),
            version=self._sdp_version,
            remote=remote,
            direction=direction,
        )

    def _ack(self, response: Response) -> Request:
        """Send the ACK of a 2xx: a request of its own that nobody answers (section 13.2.2.4)."""
        ack = self.dialog.request("ACK", cseq=response.cseq)
        layer = self._owner.layer
        layer.add_via(ack)
        layer.transport.send(ack, self.dialog.peer)
        return ack

    async def _bye(self) -> None:
        """End a call that is up. Its audio stops at once; an answer to the BYE is waited for."""
        bye = self.dialog.request("BYE")
        self._end("local", EndCause())
        try:
            await self._owner.layer.send(bye, self.dialog.peer).final
        except PhoneTimeout as error:
            raise PhoneError(f"the PBX did not answer BYE: {self!r}") from error

    def _move(self, state: CallState, at: Stamp | None = None) -> None:
        """Go on to `state`; a state already passed is ignored."""
        if _ORDER.index(state) > _ORDER.index(self.state):
            self.state = state
            self.at[state] = at or stamp()
            self._changed.set()

    def _end(self, by: Literal["local", "remote"], cause: EndCause) -> None:
        if self.ended:
            return
        self.ended_by, self.cause = by, cause
        self.media.close()
        self._closing()
        if self._wants_ack is not None:
            self._wants_ack.acknowledged()
        self._move(CallState.ENDED)
        self._owner.call_ended(self)

    def _closing(self) -> None:  # noqa: B027 - most calls have nothing of their own to stop
        """Stop what a kind of call has running."""

    def _reached(self, wanted: CallState) -> Stamp | None:
        if wanted in self.at:
            return self.at[wanted]
        if self.ended:
            raise PhoneError(f"the call ended before it was {wanted}: {self!r}")
        if _ORDER.index(self.state) > _ORDER.index(wanted):
            return self.at[self.state]
        return None


def cause_of(message: Request | Response) -> EndCause:
    """Read status and Reason headers (RFC 3326)."""
    sip, q850, text = 0, 0, ""
    if isinstance(message, Response):
        sip, text = message.status, message.reason
    for reason in message.headers.lists("reason"):
        if match := re.match(r"\s*(SIP|Q\.850)\s*;.*?cause=(\d+)", reason, re.IGNORECASE):
            if match[1].upper() == "SIP":
                sip = sip or int(match[2])
            else:
                q850 = int(match[2])
        if named := re.search(r'text="([^"]*)"', reason):
            text = text or named[1]
    return EndCause(sip, q850, text)
