"""In our dialplan files nothing of a stranger's is read but through FILTER (see `make fuzz`)."""

import re
from pathlib import Path

import pytest

DIALPLANS = Path(__file__).resolve().parents[2] / "dialplans"
FILES = sorted(DIALPLANS.glob("extensions_*.conf"))
STRANGERS = re.compile(
    r"(?P<before>(?:FILTER\([^${}]*,|LEN\()?)"
    r"\$\{(?P<what>CALLERID\((?!\w+\)=)|PJSIP_HEADER\(read|EXTEN\b|SIPDOMAIN|DIVERSION)"
)
DIGITS_ONLY = re.compile(r"^_X+$")
OPTIONS = re.compile(r"(?:Queue\([^,()]*|Dial\([^,]*,[^,]*),(?P<options>[^,]*)")


def lines() -> list[tuple[str, str, str]]:
    """(file, extension, line) of everything that is not a comment."""
    found, exten = [], ""
    for path in FILES:
        for line in path.read_text("utf-8").splitlines():
            if line.startswith((";", "[")) and not line.startswith(";exten"):
                continue
            if match := re.match(r";?exten => ([^,]+),", line):
                exten = match[1]
            found.append((path.name, exten, line))
    return found


def unfiltered(exten: str, line: str) -> list[str]:
    return [
        one["what"]
        for one in STRANGERS.finditer(line)
        if not one["before"] and not (one["what"] == "EXTEN" and DIGITS_ONLY.match(exten))
    ]


def test_what_strangers_send_is_filtered() -> None:
    bad = [(file, line) for file, exten, line in lines() if unfiltered(exten, line)]
    # Only Local/<code>@liandong-native/n comes here, which our own lines above dial.
    own = [(file, line) for file, line in bad if "Goto(liandong-target,${EXTEN},1)" in line]
    assert [one for one in bad if one not in own] == []
    assert len(own) == 1


@pytest.mark.parametrize(
    ("exten", "line"),
    [
        ("_X.", "Set(LD_TO=${EXTEN})"),
        ("s", "UserEvent(X,Caller: ${CALLERID(num)})"),
        ("s", 'GotoIf($["${PJSIP_HEADER(read,X-Y)}" = "1"]?a)'),
    ],
)
def test_this_test_would_see_it(exten: str, line: str) -> None:
    assert unfiltered(exten, line)


def test_a_number_is_cleaned_before_anybody_is_called_for_it() -> None:
    text = (DIALPLANS / "extensions_liandong.conf").read_text("utf-8")
    call = text.partition("[liandong-call]")[2].partition("\n[")[0]
    steps = [line for line in call.splitlines() if "=>" in line]
    assert "Set(LD_CLEAN=${FILTER(-0-9A-Za-z+*#._,${CALLERID(num)})})" in steps[1]
    assert "?Set(CALLERID(num-valid)=0):Set(CALLERID(num)=${LD_CLEAN})" in steps[2]


def test_no_phone_that_answers_302_chooses_whom_we_dial() -> None:
    dials = [
        (file, line, one["options"]) for file, _, line in lines() for one in OPTIONS.finditer(line)
    ]
    assert len(dials) >= 8
    assert [one for one in dials if "i" not in one[2].split("(")[0].split("$")[0]] == []


def test_the_callers_own_phone_transfers_nobody() -> None:
    text = (DIALPLANS / "extensions_liandong.conf").read_text("utf-8")
    refer = text.partition("[liandong-refer]")[2].partition("\n[")[0]
    steps = [line for line in refer.splitlines() if "=>" in line]
    assert '"${BLINDTRANSFER}" = "${LD_CALLER}"]?gone' in steps[1]
    assert steps[-1].endswith("(gone),Hangup()")
