"""The scripted phones against a real Asterisk."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.errors import PhoneError
from gateway.lab.phones import CallState, IncomingPolicy, Phone
from gateway.lab.phones.script import connect, phones, until_all_hear_each_other, wait_for

from .asterisk_fixture import PASSWORD, MinimalAsterisk, minimal_asterisk

USERS = ("1001", "1002", "1003")
DIALPLAN = """
[phones]
exten => _100X,1,Dial(PJSIP/${EXTEN},30)
 same => n,Hangup(${HANGUPCAUSE})
exten => 600,1,Answer()
 same => n,Echo()
exten => 601,1,Answer()
 same => n,Wait(0.2)
 same => n,Hangup()
exten => 602,1,Progress()
 same => n,Echo()
exten => 603,1,Answer()
 same => n,Read(DIGITS,,20,t(),1,5)
 same => n,Set(FILE(@DIR@/digits,,,,u)=${DIGITS})
 same => n,Hangup()
exten => 700,1,Dial(PJSIP/1002,1)
 same => n,Hangup(19)
"""
ALL_KEYS = "*110#0123456789*#ABC"


@pytest.fixture(scope="module")
def switch() -> Iterator[MinimalAsterisk]:
    with minimal_asterisk(DIALPLAN, USERS) as running:
        yield running


@pytest.fixture
async def ann(switch: MinimalAsterisk) -> AsyncIterator[Phone]:
    async with Phone(switch.settings("1001", display_name="Ann")) as phone:
        yield phone


@pytest.fixture
async def bob(switch: MinimalAsterisk) -> AsyncIterator[Phone]:
    async with Phone(switch.settings("1002", display_name="Bob")) as phone:
        yield phone


async def test_registers_with_auth_and_takes_it_back(switch: MinimalAsterisk) -> None:
    async with Phone(switch.settings("1003")) as phone:
        assert phone.registered
        assert f"1003@127.0.0.1:{phone.address[1]}" in switch.cli("pjsip show contacts")
        assert phone.trace.count("received", "401") == 1
    assert "1003@127" not in switch.cli("pjsip show contacts")


async def test_refreshes_its_registration(switch: MinimalAsterisk) -> None:
    async with Phone(switch.settings("1003", expires_s=60)) as phone:
        assert phone.registration is not None
        assert phone.registration.refresh_after_s == pytest.approx(48, abs=1)
        await phone.registration.refresh()
        assert phone.trace.count("received", "200 OK") == 2


async def test_wrong_password_is_refused_with_a_remedy(switch: MinimalAsterisk) -> None:
    with pytest.raises(PhoneError, match=r"may not register: 401.*check user, password"):
        await Phone(switch.settings("1003", password="wrong")).start()


async def test_call_with_a_wrong_password_ends_with_401(switch: MinimalAsterisk) -> None:
    async with Phone(switch.settings("1003", password="wrong", register=False)) as phone:
        call = await phone.dial("600")
        await call.until("ended")
        assert (call.ended_by, call.cause.sip) == ("remote", 401)


async def test_answers_options(switch: MinimalAsterisk, ann: Phone) -> None:
    await wait_for(lambda: ann.trace.count("received", "OPTIONS"), what="OPTIONS")
    await wait_for(
        lambda: re.search(r"1001/sip.*Avail", switch.cli("pjsip show contacts")),
        what="an available contact",
    )


async def test_hears_its_own_tone_in_an_echo(ann: Phone) -> None:
    call = await ann.dial("600")
    await call.until("up")
    call.tone(440)
    await call.until_hears(440)
    assert not call.hears_tone(700)
    call.tone(700)
    await call.until_hears(700)
    await call.hang_up()
    assert call.ended_by == "local"


async def test_a_recording_comes_back_octet_for_octet(ann: Phone) -> None:
    call = await ann.dial("600")
    await call.until("up")
    recording = os.urandom(8000)  # one second
    span = await call.play(recording)
    assert span.end.ms_since(span.start) == pytest.approx(1000, abs=150)
    await wait_for(
        lambda: recording in b"".join(packet.payload for packet in call.heard.packets),
        what="recording in what was heard",
    )


async def test_early_media_is_heard_before_the_answer(ann: Phone) -> None:
    call = await ann.dial("602")
    await call.until("early")
    call.tone(440)
    await call.until_hears(440)
    await call.hang_up()
    assert (call.ended_by, call.cause.sip) == ("local", 487)
    assert "up" not in call.at


async def test_two_phones_ring_answer_and_hear_each_other(ann: Phone, bob: Phone) -> None:
    out = await ann.dial("1002")
    incoming = await bob.next_call()
    ringing = await out.until("ringing")
    await incoming.answer()
    await out.until("up")
    await until_all_hear_each_other([out, incoming])
    assert (incoming.from_number, incoming.from_display) == ("1001", "Seat 1001")
    assert 0 < incoming.invite_at.ms_since(out.invite_at) < 500
    assert incoming.invite_at < ringing


async def test_the_callers_number_arrives(ann: Phone, bob: Phone) -> None:
    await ann.dial("1002", caller_id="13812341234", caller_name="张三丰")
    incoming = await bob.next_call()
    assert (incoming.from_number, incoming.from_display) == ("13812341234", "张三丰")


@pytest.mark.parametrize(
    ("policy", "sip", "q850"),
    [
        (IncomingPolicy.busy(), 486, 17),
        (IncomingPolicy.reject(603), 403, 21),
        (IncomingPolicy.reject(404), 404, 1),
        (IncomingPolicy.reject(503), 503, 34),
    ],
)
async def test_refusals_reach_the_caller(
    ann: Phone, bob: Phone, policy: IncomingPolicy, sip: int, q850: int
) -> None:
    bob.on_invite = policy
    call = await ann.dial("1002")
    await call.until("ended")
    incoming = await bob.next_call()
    assert (call.ended_by, call.cause.sip, call.cause.q850) == ("remote", sip, q850)
    assert (incoming.ended_by, incoming.cause.sip) == ("local", policy.status)


async def test_nobody_answers(ann: Phone, bob: Phone) -> None:
    bob.on_invite = IncomingPolicy.ring_forever()
    call = await ann.dial("700")
    incoming = await bob.next_call()
    await call.until("ended")
    await incoming.until("ended")
    assert incoming.ended_by == "remote"
    assert (call.ended_by, call.cause.sip, call.cause.q850) == ("remote", 480, 19)
    assert call.at[CallState.ENDED].ms_since(incoming.invite_at) > 900


async def test_caller_gives_up_while_it_rings(ann: Phone, bob: Phone) -> None:
    call = await ann.dial("1002")
    incoming = await bob.next_call()
    await call.until("ringing")
    await call.hang_up()
    await incoming.until("ended")
    assert (call.ended_by, call.cause.sip) == ("local", 487)
    assert incoming.ended_by == "remote"


async def test_caller_gives_up_at_once(ann: Phone) -> None:
    call = await ann.dial("1003")
    await call.hang_up()
    assert call.ended


@pytest.mark.parametrize("who", ["caller", "callee"])
async def test_either_side_hangs_up(ann: Phone, bob: Phone, who: str) -> None:
    out, incoming = await connect(ann, bob, "1002")
    ours, theirs = (out, incoming) if who == "caller" else (incoming, out)
    await ours.hang_up()
    await theirs.until("ended")
    assert (ours.ended_by, theirs.ended_by) == ("local", "remote")
    assert theirs.cause.q850 == 16


async def test_the_switch_hangs_up(ann: Phone) -> None:
    call = await ann.dial("601")
    await call.until("ended")
    assert (call.ended_by, call.cause.q850) == ("remote", 16)
    assert "up" in call.at


async def test_the_switch_reads_every_key_once(switch: MinimalAsterisk, ann: Phone) -> None:
    call = await ann.dial("603")
    await call.until("up")
    keys = await call.press(ALL_KEYS)
    await call.until("ended")
    assert (switch.directory / "digits").read_text().strip() == ALL_KEYS
    # 20 digits of 100 ms with 80 ms between: 19 steps from the first end to the last.
    assert keys.ends[-1].ms_since(keys.ends[0]) == pytest.approx(19 * 180, abs=200)


async def test_keys_cross_a_bridge(ann: Phone, bob: Phone) -> None:
    out, incoming = await connect(ann, bob, "1002")
    keys = await out.press("*110")
    await incoming.heard.until_digits("*110")
    assert incoming.heard.keys[-1].at > keys.at
    await incoming.press("*3", tone_ms=60, gap_ms=60)
    await out.heard.until_digits("*3")


async def test_blind_refer_moves_the_other_side(ann: Phone, bob: Phone) -> None:
    out, incoming = await connect(ann, bob, "1002")
    referral = await incoming.refer("600")
    assert referral.status == 202
    await wait_for(lambda: referral.progress and referral.progress[-1] == 200, what="NOTIFY 200")
    out.tone(440)
    await out.until_hears(440)
    await incoming.hang_up()  # the transferor's part, once the NOTIFY says 200
    assert not out.ended


async def test_ten_calls_at_once(switch: MinimalAsterisk) -> None:
    async with phones([switch.settings(user) for user in USERS]) as desk:
        calls = [await desk[USERS[n % 3]].dial("600") for n in range(10)]
        for n, call in enumerate(calls):
            await call.until("up")
            call.tone(400 + 70 * n)
        for n, call in enumerate(calls):
            await call.until_hears(400 + 70 * n)
            others = [400 + 70 * m for m in range(10) if m != n]
            assert not any(call.hears_tone(freq) for freq in others)
    assert all(call.ended_by == "local" for call in calls)
    assert "0 active calls" in switch.cli("core show channels")


async def by_hand(switch: MinimalAsterisk, *options: str) -> asyncio.subprocess.Process:
    account = ("--registrar", f"127.0.0.1:{switch.port}", "--user", "1003", "--password", PASSWORD)
    command = (sys.executable, "-m", "gateway.lab.phones", *account, *options)
    return await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, preexec_fn=_heeds_ctrl_c
    )


def _heeds_ctrl_c() -> None:
    """A shell that runs the tests in the background has them ignore it, and whom they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def test_a_phone_by_hand_dials_and_presses(switch: MinimalAsterisk) -> None:
    phone = await by_hand(switch, "--dial", "600", "--press", "*110", "--stay", "0.1", "--trace")
    out, _ = await phone.communicate()
    assert phone.returncode == 0
    assert re.search(r"pressed \*110; .*\n.* ended: .* by local", out.decode())
    assert "INVITE sip:600@" in out.decode()


async def test_a_phone_by_hand_unregisters_on_ctrl_c(switch: MinimalAsterisk) -> None:
    phone = await by_hand(switch, "--answer", "0")
    assert phone.stdout is not None
    assert b"Ctrl-C ends" in await phone.stdout.readline()
    assert "1003@127" in switch.cli("pjsip show contacts")
    phone.send_signal(signal.SIGINT)
    await phone.communicate()
    assert phone.returncode == 130
    assert "1003@127" not in switch.cli("pjsip show contacts")
