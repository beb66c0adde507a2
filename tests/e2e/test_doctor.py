"""`liandong doctor` as an admin runs it, on a lab where everything is as it should be."""

import asyncio
import json
import sys

import pytest

from gateway.lab.scene import Scene

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_all_green_on_the_lab(talk: Scene) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "doctor", "--json"),
        *("--config", str(talk.town.config)),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    report = json.loads(out)
    findings = report["findings"] if isinstance(report, dict) else report
    meant = "demo model"  # told of, and right here
    assert [one for one in findings if one["status"] != "ok" and meant not in one["detail"]] == []
    assert len(findings) > 20
    assert process.returncode == 0
