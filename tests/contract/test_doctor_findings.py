"""The doctor's findings on recorded outputs of a PBX with and without our files, and edited."""

import io
import json
import os
import re
from pathlib import Path

import pytest
from rich.console import Console

from gateway.settings import KeySettings, PlaceSettings
from gateway.telephony import doctor_expect as expect
from gateway.telephony.doctor import Finding, examine_switch, exit_status, render, to_json
from gateway.telephony.identity import own_identity

from .doctor_outputs import Recorded, settings

DIALPLANS = Path(__file__).resolve().parents[2] / "dialplans"
PLAN = "Command dialplan show"
RIGHTS = "Command manager show user liandong"
FEATURES = "Command features show"
MENU = "Command confbridge show menu liandong_menu"
CALLER = "Command confbridge show profile user liandong_caller"
AGENT = "Command confbridge show profile user liandong_agent"


def examine(switch: Recorded) -> dict[str, Finding]:
    found = examine_switch(switch, settings())
    named = {finding.name: finding for finding in found}
    assert len(named) == len(found), "every finding has a name of its own"
    return named


def bad(found: dict[str, Finding]) -> dict[str, Finding]:
    return {name: finding for name, finding in found.items() if finding.status != "ok"}


@pytest.fixture
def switch() -> Recorded:
    return Recorded("with_files")


def test_with_our_files_everything_is_well(switch):
    found = examine(switch)
    assert bad(found) == {}
    assert exit_status(list(found.values())) == 0


def test_without_our_files_each_lack_is_named_with_its_remedy():
    found = bad(examine(Recorded("without_files")))
    names = set(found)
    assert {f"context {name}" for name in expect.CONTEXTS} <= names
    assert {f"room key {code}" for code in ("*110", "*12345", "*3", "*0", "*9")} <= names
    assert {f"room profile {name}" for name in expect.USER_PROFILES} <= names
    assert {"calls to 12345", "calls to 110", "link 12345 to 110", "queue 110"} <= names
    assert {"feature ld_to_110", "feature ld_three", "context liandong-requeue"} <= names
    assert all(finding.status == "fail" and finding.remedy for finding in found.values())
    assert exit_status(list(found.values())) == 1


@pytest.mark.parametrize(
    ("asked", "old", "new", "name", "says"),
    [
        (RIGHTS, "originate", "cdr", "AMI right write=originate", "ring the target"),
        (RIGHTS, "agent,", "", "AMI right read=agent", "has answered"),
        (
            "Command manager show settings",
            "Timestamp events:          Yes",
            "Timestamp events:          No",
            "AMI timestamps",
            "late key press",
        ),
        ("CoreSettings", "22.10.1", "18.26.4", "Asterisk version", "18.26.4"),
        ("CoreSettings", "22.10.1", "22.11.0", "Asterisk version", "2134"),
        ("Command module show", "app_chanspy.so", "app_nothing.so", "module app_chanspy.so", "tap"),
        (
            "Command module show",
            "res_timing_timerfd.so",
            "res_other.so",
            "module res_timing_*",
            "timing",
        ),
        (PLAN, "Queue(110,ciF(", "Queue(110,iF(", "calls to 110", "no `c`"),
        (PLAN, "Queue(110,ciF(liandong-room^left^1)", "Queue(110,c", "calls to 110", "no `F("),
        (PLAN, "Queue(12345,ciF(", "Queue(12345,cihF(", "calls to 12345", "`h` or `H`"),
        (PLAN, "Queue(12345,c", "Queue(other,c", "calls to 12345", "no Queue(12345"),
        (PLAN, "liandong-call,s,1(110", "liandong-call,s,1(119", "calls to 110", "no extension"),
        (PLAN, "'rejoin' =>", "'gone' =>", "context liandong-room", "lacks rejoin"),
        (PLAN, "'transfer-110' =>", "'x' =>", "context liandong-room-key", "lacks transfer-110"),
        (PLAN, "1. Set(QUEUE_PRIO=50)", "1. Answer()", "link 110 to 12345", "Answer()"),
        (PLAN, "Context 'liandong-target'", "Context 'x'", "link 110 to 12345", "no 12345"),
        (FEATURES, "no def  *110", "no def  *11", "feature ld_to_110", "*11"),
        (MENU, "*110=dialplan_exec", "*111=dialplan_exec", "room key *110", "nothing"),
        (MENU, "transfer-110", "transfer-119", "room key *110", "transfer-119"),
        (CALLER, "END Marked (All):        enabled", "END Marked (All):        disabled",
         "room profile liandong_caller", "END Marked (All)"),
        (AGENT, "Marked User:             true", "Marked User:             false",
         "room profile liandong_agent", "Marked User"),
        ("Command queue show 110", "(ringinuse disabled) ", "", "queue 110", "of 2 members"),
        ("Command queue show 110", "李强 (PJSIP/2001)",
         "李强 (Local/2001@from-queue/n from hint:2001@ext-local)", "queue 110", "1 of 2 members"),
        ("Command queue show 12345", "王芳 (PJSIP/1002)", "Local/1002@from-queue/n",
         "queue 12345", "Local channels"),
    ],
)  # fmt: skip
def test_one_thing_wrong_is_one_failure(switch, asked, old, new, name, says):
    switch.edit(asked, old, new)
    found = bad(examine(switch))
    assert found[name].status == "fail"
    assert says in found[name].detail
    assert found[name].remedy
    # What follows from it may be told too, but nothing unrelated.
    assert len(found) <= 3, list(found)


@pytest.mark.parametrize(
    ("asked", "old", "new", "name"),
    [
        ("CoreSettings", "22.10.1+dfsg+~cs6.17.60671434-1", "GIT-master", "Asterisk version"),
        (PLAN, "Queue(110,ciF(liandong-room^left^1)", "Queue(110,${OPTS}", "calls to 110"),
        (PLAN, "Queue(110,ciF(", "Queue(110,cF(", "calls to 110"),
    ],
)
def test_what_may_be_well_is_a_warning(switch, asked, old, new, name):
    switch.edit(asked, old, new)
    found = bad(examine(switch))
    assert [(f.name, f.status) for f in found.values()] == [(name, "warn")]


def at(switch: Recorded, holder: str, beat_age_s: int) -> Finding:
    """The finding on a PBX whose controller is `holder`, with a beat of that age."""
    switch.answer("Getvar LD_CONTROLLER", Value=holder)
    switch.answer("Getvar LD_BEAT", Value=str(1_000_000 - beat_age_s))
    switch.answer("Ping", Timestamp="1000000.25")
    return examine(switch)["controller"]


def test_who_is_in_control_is_told(switch):
    mine = own_identity()
    assert at(switch, f"3.{mine}", 1).status == "ok"
    assert f"process {os.getpid()} of this machine" in at(switch, f"3.{mine}", 1).detail
    assert "elsewhere" in at(switch, "3.0a1b2c3d-4026531836-77-5", 0).detail
    assert at(switch, "4.", 0).detail.startswith("nobody")


def test_a_controller_that_does_not_beat_is_a_warning(switch):
    mine, unseen = own_identity(), 4
    assert at(switch, f"3.{mine}", unseen).status == "warn"
    assert at(switch, f"3.{mine}", -60).status == "warn", "the PBX's clock was set back"
    assert "has ended" in at(switch, f"3.{mine[:-1]}x", 0).detail


def test_a_code_that_begins_another_is_found_whoever_made_it(switch):
    switch.edit(FEATURES, "ld_back ", "office  ")
    switch.edit(FEATURES, "no def  *0", "no def  *1")
    found = bad(examine(switch))
    assert "office's code *1 is the beginning of *110" in found["feature ld_to_110"].detail
    assert "feature ld_to_12345" in found


def test_the_disconnect_code_may_exist_but_not_be_live(switch):
    assert "builtin Disconnect Call" not in bad(examine(switch))
    switch.edit(PLAN, "Dial(PJSIP/${EXTEN},30)", "Dial(PJSIP/${EXTEN},30,tH)")
    found = bad(examine(switch))["builtin Disconnect Call"]
    assert found.status == "fail"
    assert "from-seats" in found.detail


def test_keys_of_the_settings_and_of_the_pbx_must_agree(switch):
    ours = settings().model_copy(update={"keys": KeySettings(three_way="*5")})
    found = {f.name: f for f in examine_switch(switch, ours)}
    assert "the PBX says *3, our settings say *5" in found["feature ld_three"].detail
    assert found["room key *5"].status == "fail"


def test_without_the_right_to_ask_that_is_the_only_finding(switch):
    switch.refuse("Command core show version", "Permission denied")
    (finding,) = examine(switch).values()
    assert finding.name == "AMI right write=command"


def test_table_and_json_hold_every_finding():
    found = examine_switch(Recorded("without_files"), settings())
    screen = io.StringIO()
    Console(file=screen, width=200).print(render(found))
    for finding in found:
        assert finding.name in screen.getvalue()
    body = json.loads(to_json(found))
    assert body["ok"] is False
    assert len(body["findings"]) == len(found)


def test_what_is_expected_is_what_our_files_hold():
    contexts: dict[str, set[str]] = {}
    for line in (DIALPLANS / "extensions_liandong.conf").read_text("utf-8").splitlines():
        if found := re.match(r"\[([\w-]+)\]", line):
            current = contexts.setdefault(found[1], set())
        elif found := re.match(r"exten => ([^,]+),", line):
            current.add(found[1])
    fixed = {
        name: {exten for exten in extens if not re.match(r"(transfer|consult)-\d", exten)}
        for name, extens in contexts.items()
    }
    assert fixed == {name: set(extens) for name, extens in expect.CONTEXTS.items()}
    features = (DIALPLANS / "features_liandong.conf").read_text("utf-8")
    for feature in expect.KEY_FEATURES.values():
        assert re.search(rf"^{feature} =>", features, re.MULTILINE)
    rooms = (DIALPLANS / "confbridge_liandong.conf").read_text("utf-8")
    for profile in (*expect.USER_PROFILES, *expect.BRIDGE_PROFILES, expect.MENU):
        assert f"[{profile}]" in rooms
    account = (DIALPLANS / "manager_liandong.conf").read_text("utf-8")
    for kind, rights in (("read", expect.READ_RIGHTS), ("write", expect.WRITE_RIGHTS)):
        given = re.search(rf"^{kind}=(.*)$", account, re.MULTILINE)[1].split(",")
        assert set(rights) <= set(given)


def test_a_queue_that_hangs_up_behind_itself_drops_callers(switch):
    switch.edit(PLAN, "Goto(liandong-alone,queue,1)", "Hangup(16)")
    found = bad(examine(switch))
    assert {"after calls to 12345", "after calls to 110"} <= set(found)
    assert "Goto(liandong-alone,queue,1)" in found["after calls to 110"].remedy


def test_each_place_of_a_hunt_list_is_looked_at(switch):
    hunt = [
        PlaceSettings(dial="PJSIP/110@police", answered_by="device"),
        PlaceSettings(dial="Local/nobody@liandong-target/n"),
    ]
    first, *rest = settings().links
    links = [first.model_copy(update={"hunt": hunt}), *rest]
    asked = settings().model_copy(update={"links": links})
    found = {one.name: one for one in examine_switch(switch, asked)}
    assert found["link 12345 to 110, place 2"].status == "ok"
    assert found["link 12345 to 110, place 3"].status == "fail"
    assert "nobody" in found["link 12345 to 110, place 3"].detail


def test_a_link_that_waits_for_a_sign_needs_its_keys_in_the_room(switch):
    first, *rest = settings().links
    links = [first.model_copy(update={"answered_by": "sign"}), *rest]
    asked = settings().model_copy(update={"links": links})
    found = {one.name: one for one in examine_switch(switch, asked)}
    assert found["room keys"].status == "ok"
    switch.edit("Command confbridge show menu liandong_menu", "D=dialplan_exec", "C=dialplan_exec")
    found = {one.name: one for one in examine_switch(switch, asked)}
    assert found["room key D"].status == "fail"
    assert {one.name: one for one in examine_switch(switch, settings())}["room keys"].status == "ok"
