"""The scripted phones against a real Asterisk."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from gateway.errors import PhoneError
from gateway.lab.phones import CallState, IncomingPolicy, Phone, PhoneCall
from tests.contract.asterisk_fixture import MinimalAsterisk, minimal_asterisk

USERS = ("1001", "1002", "1003")
DIALPLAN = """
[phones]
exten => _100X,1,Dial(PJSIP/${EXTEN},${IF($["${RING}"=""]?30:${RING})})
 same => n,Hangup(${HANGUPCAUSE})
exten => 600,1,Answer()
 same => n,Echo()
exten => 601,1,Answer()
 same => n,Wait(0.2)
 same => n,Hangup()
exten => 602,1,Progress()
 same => n,Echo()
exten => 603,1,Answer()
 same => n,Read(DIGITS,,0,t(D),1,5)
 same => n,Set(FILE(@DIR@/digits,,,al,u)=${DIGITS})
 same => n,Hangup()
exten => 700,1,Set(RING=1)
 same => n,Goto(1002,1)
"""


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


async def given_bob_talks_to_ann(ann: Phone, bob: Phone) -> tuple[PhoneCall, PhoneCall]:
    bob.on_invite = IncomingPolicy.answer()
    out = await ann.dial("1002")
    incoming = await bob.next_call()
    await out.until("up")
    await incoming.until("up")
    return out, incoming


async def test_registers_with_auth_and_takes_it_back(switch: MinimalAsterisk) -> None:
    async with Phone(switch.settings("1003")) as phone:
        assert phone.registered
        assert f"1003@127.0.0.1:{phone.address[1]}" in switch.cli("pjsip show contacts")
        assert phone.trace.count("received", "401") == 1
    assert "1003@127" not in switch.cli("pjsip show contacts")


async def test_wrong_password_is_refused_with_a_remedy(switch: MinimalAsterisk) -> None:
    with pytest.raises(PhoneError, match="may not register: 401.*check user, password"):
        await Phone(switch.settings("1003", password="wrong")).start()


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
