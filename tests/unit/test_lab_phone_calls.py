"""Two phones with no PBX between them: dialogs, holds, losses and rubbish."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import pytest

from gateway.errors import PhoneError, PhoneTimeout
from gateway.lab.phones import IncomingPolicy, Phone, PhoneSettings
from gateway.lab.phones.call import CallState, PhoneCall
from gateway.lab.phones.dialog import with_sdp
from gateway.lab.phones.script import connect, until_all_hear_each_other, wait_for
from gateway.lab.phones.sip_message import Message, Request, parse
from gateway.lab.phones.stamp import Stamp
from gateway.lab.phones.udp import Address, UdpPort, open_port

T1_S = 0.02


def settings(user: str, peer: Address) -> PhoneSettings:
    return PhoneSettings(user=user, registrar=peer, register=False, t1_s=T1_S)


@pytest.fixture
async def bob() -> AsyncIterator[Phone]:
    async with Phone(settings("bob", ("127.0.0.1", 9))) as phone:
        yield phone


@pytest.fixture
async def ann(bob: Phone) -> AsyncIterator[Phone]:
    async with Phone(settings("ann", bob.address)) as phone:
        yield phone


class LossyLink:
    """Relays datagrams between a caller and one other address; `lose` says which get lost."""

    def __init__(self, far: Address) -> None:
        self.far = far
        self.near: Address | None = None
        self.lose: Callable[[Message], bool] = lambda message: False
        self.lost: list[str] = []
        self.port: UdpPort = open_port("127.0.0.1", self._relay)

    def _relay(self, data: bytes, sender: Address, at: Stamp) -> None:
        if sender != self.far:
            self.near = sender
        message = parse(data)
        if self.lose(message):
            self.lost.append(message.start_line())
            return
        to = self.near if sender == self.far else self.far
        assert to is not None
        self.port.send(data, to)


@pytest.fixture
async def link(bob: Phone) -> AsyncIterator[LossyLink]:
    relay = LossyLink(bob.address)
    yield relay
    relay.port.close()


@pytest.fixture
async def far_ann(link: LossyLink) -> AsyncIterator[Phone]:
    async with Phone(settings("ann", link.port.address)) as phone:
        yield phone


def once(part: str) -> Callable[[Message], bool]:
    """Lose the first message whose start line or CSeq holds `part`."""
    seen: list[str] = []

    def lose(message: Message) -> bool:
        if part in f"{message.start_line()} {message.headers.get('cseq')}" and not seen:
            seen.append(part)
            return True
        return False

    return lose


async def test_a_call_and_its_times(ann: Phone, bob: Phone) -> None:
    out = await ann.dial("bob")
    incoming = await bob.next_call()
    await out.until("ringing")
    await incoming.answer()
    await out.until("up")
    assert incoming.from_number == "ann"
    assert out.invite_at < incoming.invite_at < incoming.at[CallState.RINGING]
    assert incoming.at[CallState.RINGING] < out.at[CallState.RINGING] < out.at[CallState.UP]
    await until_all_hear_each_other([out, incoming])
    await out.hang_up()
    await incoming.until("ended")
    assert (out.ended_by, incoming.ended_by) == ("local", "remote")


async def test_keys_arrive_and_their_end_is_timed_before_they_do(ann: Phone, bob: Phone) -> None:
    out, incoming = await connect(ann, bob, "bob")
    pressed = await out.press("*110", tone_ms=40, gap_ms=40)
    await incoming.heard.until_digits("*110")
    delay_ms = incoming.heard.keys[-1].at.ms_since(pressed.at)
    assert 0 < delay_ms < 60
    assert [key.duration_ms for key in incoming.heard.keys] == [40] * 4


async def test_silence_flows_while_nobody_speaks(ann: Phone, bob: Phone) -> None:
    _, incoming = await connect(ann, bob, "bob")
    await wait_for(lambda: incoming.heard.received >= 10, what="ten packets")
    steps = {
        (b.seq - a.seq, b.timestamp - a.timestamp) for a, b in pairwise(incoming.heard.packets)
    }
    assert steps == {(1, 160)}
    assert incoming.rms() < 10


async def test_a_recording_is_said_at_its_own_pace(ann: Phone, bob: Phone) -> None:
    out, incoming = await connect(ann, bob, "bob")
    span = await out.play(bytes(range(256)) * 10)
    # A busy machine sends the first packet late and makes up for it: hence the tolerance.
    assert span.end.ms_since(span.start) == pytest.approx(320, abs=150)
    assert span.end_wall - span.start_wall == pytest.approx(0.32, abs=0.15)
    await wait_for(
        lambda: bytes(range(256)) * 10 in b"".join(p.payload for p in incoming.heard.packets),
        what="the recording",
    )


async def test_whoever_has_hung_up_neither_presses_nor_speaks(ann: Phone, bob: Phone) -> None:
    out, _ = await connect(ann, bob, "bob")
    await out.hang_up()
    with pytest.raises(PhoneError, match="the call has ended"):
        await out.press("*0")
    with pytest.raises(PhoneError, match="the call has ended"):
        await out.play(bytes(160))


async def test_an_empty_recording_is_refused(ann: Phone, bob: Phone) -> None:
    out, _ = await connect(ann, bob, "bob")
    with pytest.raises(PhoneError, match="empty"):
        await out.play(b"")


async def test_playing_ends_with_the_call(ann: Phone, bob: Phone) -> None:
    out, incoming = await connect(ann, bob, "bob")
    playing = asyncio.create_task(out.play(b"\xd5" * 80000))
    await wait_for(lambda: out.media.packets_sent > 2, what="packets")
    await incoming.hang_up()
    with pytest.raises(PhoneError, match="ended while playing"):
        await playing


@pytest.mark.parametrize("status", [404, 480, 486, 503, 603])
async def test_refusals(ann: Phone, bob: Phone, status: int) -> None:
    bob.on_invite = IncomingPolicy.reject(status)
    call = await ann.dial("bob")
    with pytest.raises(PhoneError, match="ended before it was up"):
        await call.until("up")
    assert (call.ended_by, call.cause.sip) == ("remote", status)


async def test_the_policy_may_depend_on_the_caller(ann: Phone, bob: Phone) -> None:
    bob.on_invite = lambda call: (
        IncomingPolicy.answer() if call.from_number == "138" else IncomingPolicy.busy()
    )
    wanted = await ann.dial("bob", caller_id="138")
    await wanted.until("up")
    unwanted = await ann.dial("bob")
    await unwanted.until("ended")
    assert unwanted.cause.sip == 486


async def test_early_media_flows_before_the_answer(ann: Phone, bob: Phone) -> None:
    bob.on_invite = IncomingPolicy(early_media=True)
    out = await ann.dial("bob")
    incoming = await bob.next_call()
    incoming.tone(440)
    await out.until("early")
    await out.until_hears(440)
    incoming.reject(486)
    await out.until("ended")
    assert CallState.UP not in out.at


async def test_no_audio_leaves_before_the_answer(ann: Phone, bob: Phone) -> None:
    out = await ann.dial("bob")
    incoming = await bob.next_call()
    await out.until("ringing")
    await incoming.answer()
    await incoming.heard.until_audio()
    await out.heard.until_audio()
    assert out.heard.packets[0].at > incoming.at[CallState.RINGING]
    assert incoming.heard.strays == out.heard.strays == 0


async def test_answering_by_itself_takes_its_time(ann: Phone, bob: Phone) -> None:
    bob.on_invite = IncomingPolicy.answer(0.1)
    out = await ann.dial("bob")
    up = await out.until("up")
    assert up.ms_since(out.invite_at) >= 100
    assert CallState.RINGING in out.at


async def test_cancel_while_ringing(ann: Phone, bob: Phone) -> None:
    out = await ann.dial("bob")
    incoming = await bob.next_call()
    await out.hang_up()
    await incoming.until("ended")
    assert (out.ended_by, out.cause.sip, incoming.ended_by) == ("local", 487, "remote")
    with pytest.raises(PhoneError, match="too late to answer"):
        await incoming.answer()


async def test_hold_stops_our_audio_and_resume_brings_it_back(ann: Phone, bob: Phone) -> None:
    out, incoming = await connect(ann, bob, "bob")
    await incoming.heard.until_audio()

    async def reinvite(method: str, direction: str) -> None:
        request = incoming.dialog.request(method)
        body = incoming._sdp(None).replace(b"sendrecv", direction.encode())
        with_sdp(request, body)
        answer = await bob.layer.send(request, incoming.dialog.peer).final
        assert answer.status == 200
        if method == "INVITE":
            ack = incoming.dialog.request("ACK", cseq=request.cseq)
            bob.layer.add_via(ack)
            bob.layer.transport.send(ack, incoming.dialog.peer)

    await reinvite("INVITE", "sendonly")
    sent = out.media.packets_sent
    await wait_for(lambda: out.heard.received > sent + 5, what="audio while held")
    assert out.media.packets_sent == sent
    await reinvite("UPDATE", "sendrecv")
    await wait_for(lambda: out.media.packets_sent > sent, what="audio after resuming")
    assert out.state is incoming.state is CallState.UP


@pytest.mark.parametrize(
    "part", ["INVITE sip:", "200 OK 2 INVITE", "ACK sip:", "BYE sip:", "200 OK 3 BYE"]
)
async def test_any_one_loss_is_made_good(
    link: LossyLink, far_ann: Phone, bob: Phone, part: str
) -> None:
    link.lose = once(part)
    bob.on_invite = IncomingPolicy.answer()
    out = await far_ann.dial("bob")
    incoming = await bob.next_call()
    await out.until("up")
    await incoming.until("up")
    await out.hang_up()
    await incoming.until("ended")
    assert len(link.lost) == 1
    assert len(bob.calls) == 1


@pytest.mark.parametrize("part", ["486 Busy", "ACK sip:"])
async def test_a_lost_refusal_is_made_good(
    link: LossyLink, far_ann: Phone, bob: Phone, part: str
) -> None:
    link.lose = once(part)
    bob.on_invite = IncomingPolicy.busy()
    out = await far_ann.dial("bob")
    await out.until("ended")
    assert out.cause.sip == 486
    await wait_for(lambda: bob.trace.count("received", "ACK"), what="ACK")
    assert len(bob.calls) == 1


async def test_a_silent_pbx_ends_the_call_after_64_t1() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        async with Phone(settings("ann", nobody.getsockname())) as ann:
            out = await ann.dial("bob")
            await out.until("ended")
            assert (out.ended_by, out.cause.sip) == ("remote", 408)
            assert ann.trace.count("sent", "INVITE") == 7  # at 0, 1, 3, 7, 15, 31, 63 T1


async def test_a_silent_registrar_is_an_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        peer: Address = nobody.getsockname()
        with pytest.raises(PhoneTimeout, match="no answer to REGISTER"):
            await Phone(PhoneSettings("ann", peer, t1_s=0.005)).start()


async def test_rubbish_is_counted_and_answered_by_nothing(ann: Phone, bob: Phone) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as vandal:
        vandal.bind(("127.0.0.1", 0))
        vandal.sendto(b"\r\n\r\n", bob.address)
        vandal.sendto(b"\xff\x00 not sip", bob.address)
        vandal.sendto(b"INVITE sip:bob SIP/2.0\r\n\r\n", bob.address)
        await wait_for(lambda: bob.malformed == 2, what="two malformed datagrams")
    await connect(ann, bob, "bob")


async def test_strangers_rtp_is_not_heard(ann: Phone, bob: Phone) -> None:
    _, incoming = await connect(ann, bob, "bob")
    await incoming.heard.until_audio()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(bytes([0x80, 8]) + bytes(10) + b"\x2a" * 160, incoming.media.address)
        await wait_for(lambda: incoming.heard.strays == 1, what="a stray")
    assert incoming.rms(10_000) < 10


async def test_requests_outside_any_call(ann: Phone, bob: Phone) -> None:
    out, _ = await connect(ann, bob, "bob")

    async def status(method: str, to_tag: str = "") -> int:
        request = out.dialog.request(method)
        fields = [(k, v) for k, v in request.headers if k != "to"]
        fields.append(("to", "<sip:bob@h>" + to_tag))
        stray = Request(type(request.headers)(fields), method=method, uri=request.uri)
        if method == "CANCEL":
            ann.layer.add_via(stray)  # others get one when sent; this one has no INVITE's to share
        return (await ann.layer.send(stray, bob.address).final).status

    assert await status("OPTIONS") == 200
    assert await status("SUBSCRIBE") == 405
    assert await status("BYE", ";tag=nobody") == 481
    assert await status("CANCEL") == 481
    assert out.state is CallState.UP


async def test_closing_a_phone_ends_its_calls(bob: Phone) -> None:
    async with Phone(settings("ann", bob.address)) as ann:
        up, _ = await connect(ann, bob, "bob")
        ringing = await ann.dial("bob")
        await ringing.until("ringing")
    assert (up.ended_by, ringing.ended_by) == ("local", "local")
    far: list[PhoneCall] = bob.calls
    for call in far:
        await call.until("ended")
    with pytest.raises(PhoneError, match="not started"):
        await ann.dial("bob")


async def test_a_phone_off_loopback_is_refused(bob: Phone) -> None:
    with pytest.raises(PhoneError, match="loopback only"):
        await Phone(settings("ann", bob.address), bind="0.0.0.0").start()


async def test_the_trace_tells_the_story(ann: Phone, bob: Phone) -> None:
    out, _ = await connect(ann, bob, "bob")
    await out.hang_up()
    lines = str(ann.trace).splitlines()
    assert [line.split(" ", 4)[4] for line in lines][-2:] == [
        f"BYE {out.dialog.target} SIP/2.0",
        "SIP/2.0 200 OK",
    ]
    assert "m=audio" in ann.trace.render(full=True)


async def test_a_cancel_that_crosses_the_answer_ends_in_bye(
    link: LossyLink, far_ann: Phone, bob: Phone
) -> None:
    link.lose = once("200 OK 2 INVITE")
    out = await far_ann.dial("bob")
    incoming = await bob.next_call()
    await out.until("ringing")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(incoming.answer())
        await wait_for(lambda: link.lost, what="lost answer")
        tasks.create_task(out.hang_up())
    await incoming.until("ended")
    assert (out.ended_by, incoming.ended_by) == ("local", "remote")
    assert CallState.UP in incoming.at
    assert bob.trace.count("received", "BYE") >= 1


async def test_the_ack_stops_the_answer_from_being_repeated(ann: Phone, bob: Phone) -> None:
    _, incoming = await connect(ann, bob, "bob")
    answers, heard = bob.trace.count("sent", "200 OK"), incoming.heard.received
    await wait_for(lambda: incoming.heard.received > heard + 8, what="eight T1 of audio")
    assert bob.trace.count("sent", "200 OK") == answers


async def test_an_old_request_in_a_call_is_refused(ann: Phone, bob: Phone) -> None:
    out, incoming = await connect(ann, bob, "bob")
    for cseq, status in ((7, 200), (6, 500)):
        info = out.dialog.request("INFO", cseq=cseq)
        assert (await ann.layer.send(info, bob.address).final).status == status
    assert incoming.state is CallState.UP
