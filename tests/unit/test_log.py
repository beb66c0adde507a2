"""What callers say never reaches the log, whatever fails, and whoever logs it."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from log_leaks import NUMBER, SAID
from pydantic import ValidationError

from gateway.calls import facts as f
from gateway.speech.port import TapGrant, speech_event

ROOT = Path(__file__).resolve().parents[2]


async def stderr_of(*argv: str) -> str:
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "tests/unit/log_leaks.py"), *argv,
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(child.communicate(), 60)
    assert out == b""
    return err.decode()


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("leak", ["ours", "library", "task", "thread", "process", "api"])
async def test_frames_are_told_and_messages_are_not(leak, form):
    told = await stderr_of(leak, form)
    assert "Planted" in told
    assert "KeyError" in told
    assert "in fail" in told
    for secret in (NUMBER, SAID, SAID.encode("unicode_escape").decode()):
        assert secret not in told


@pytest.mark.parametrize(
    "read",
    [
        f.parse,
        speech_event.validate_json,
        f.UtteranceHeard.model_validate_json,
        TapGrant.model_validate_json,
    ],
)
@pytest.mark.parametrize(
    "line",
    [
        f'{{"kind": "utterance.heard", "text": ["{SAID} {NUMBER}"], "more": "{SAID}"}}',
        f'{{"kind": "utterance.heard", "start_ms": "{SAID} {NUMBER}", "text": 1}}',
        f'["{SAID}"]',
        f"{SAID} {NUMBER}",
    ],
)
def test_error_about_a_line_does_not_quote_it(read, line):
    with pytest.raises(ValidationError) as caught:
        read(line)
    assert SAID not in str(caught.value)
    assert NUMBER not in str(caught.value)
