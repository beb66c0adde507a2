"""The doctor on a live PBX: with our files and without, and whether the rights it asks suffice."""

import asyncio

import pytest

from gateway.lab.asterisk_lab import AsteriskConfig, AsteriskLab
from gateway.lab.redis_lab import RedisLab
from gateway.settings import RedisSettings, Settings
from gateway.telephony import doctor_expect as expect
from gateway.telephony.ami_client import AmiClient
from gateway.telephony.doctor import examine
from gateway.telephony.doctor_services import check_redis

from .doctor_outputs import ACCOUNTS, settings

MINIMAL = f"""
[minimal]
secret=minimal-secret
read={",".join(expect.READ_RIGHTS)}
write={",".join(expect.WRITE_RIGHTS)}

[deaf]
secret=deaf-secret
read=user
write=call
"""


@pytest.fixture(scope="module", params=[True, False], ids=["with files", "without"])
def pbx(request, tmp_path_factory):
    """A PBX whose loop runs only to start and stop it."""
    logs = tmp_path_factory.mktemp("pbx")
    overrides = {"manager.conf": MINIMAL}
    config = AsteriskConfig(ACCOUNTS, with_dialplans=request.param, overrides=overrides)
    with asyncio.Runner() as runner:
        lab = runner.run(AsteriskLab.start(config, logs))
        yield lab
        runner.run(lab.stop())


def findings(ours: Settings) -> dict[str, str]:
    found = examine(ours)
    services = {"Redis", "ledger", "speech model", "order system"}
    return {finding.name: finding.status for finding in found if finding.name not in services}


def test_a_live_pbx_is_judged_by_its_files(pbx):
    found = findings(settings(pbx.config.ami_port))
    if pbx.config.with_dialplans:
        assert set(found.values()) == {"ok"}
    else:
        assert found["context liandong-room"] == "fail"
        assert found["feature ld_to_110"] == "fail"
        assert found["AMI"] == "ok"


def test_the_rights_named_are_enough(pbx):
    full = settings(pbx.config.ami_port)
    least = settings(pbx.config.ami_port, user="minimal", secret="minimal-secret")
    assert findings(least) == findings(full)


def test_an_account_without_rights_is_told_the_first_one(pbx):
    deaf = settings(pbx.config.ami_port, user="deaf", secret="deaf-secret")
    assert findings(deaf) == {"AMI": "ok", "AMI right write=command": "fail"}


def test_a_wrong_secret_is_told(pbx):
    wrong = settings(pbx.config.ami_port, secret="wrong")
    assert findings(wrong) == {"AMI log-in": "fail"}


async def test_the_gateway_can_do_its_work_with_the_rights_named(pbx):
    """Every action it sends; what is refused for want of a right says 'Permission denied'."""
    events = asyncio.Queue()
    least = settings(pbx.config.ami_port, user="minimal", secret="minimal-secret")
    ami = AmiClient(least.switch, on_event=events.put_nowait, on_link=lambda _up: None)
    await ami.start()
    try:
        assert ami.version
        await ami.send("Setvar", {"Variable": "LD_BEAT", "Value": "1"})
        originate = {"Channel": "Local/600@from-seats/n", "Application": "Wait", "Data": "5"}
        await ami.send("Originate", {**originate, "ChannelId": "ld-1.target.1"})
        seen = {}
        while "OriginateResponse" not in seen:
            event = await asyncio.wait_for(events.get(), 10)
            seen[event.name] = event
        assert {"FullyBooted", "Newchannel"} <= set(seen)
        listed = await ami.collect("CoreShowChannels")
        assert "ld-1.target.1" in {event.get("Uniqueid") for event in listed.events}
        shared = {"Variable": "SHARED(LD_RING_UNTIL)", "Value": "0"}
        await ami.send("Setvar", {"Channel": "ld-1.target.1", **shared})
        there = {"Context": "from-seats", "Exten": "600", "Priority": "1"}
        await ami.send("Redirect", {"Channel": "ld-1.target.1", **there})
        await ami.send("Hangup", {"Channel": "ld-1.target.1"})
        while "Hangup" not in seen:
            event = await asyncio.wait_for(events.get(), 10)
            seen[event.name] = event
    finally:
        await ami.close()


def test_a_live_redis_is_new_enough(tmp_path):
    with asyncio.Runner() as runner:
        redis = runner.run(RedisLab.start(tmp_path))
        try:
            assert check_redis(RedisSettings(url=redis.url)).status == "ok"
        finally:
            runner.run(redis.stop())
