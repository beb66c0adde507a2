"""What the PBX answered the doctor, recorded: `python -m tests.contract.doctor_outputs`.

Runs a lab PBX with our dialplan files and one without, and writes recordings/doctor_*.json.
"""

import asyncio
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from gateway.lab.asterisk_lab import Account, AsteriskConfig, AsteriskLab
from gateway.settings import CentreSettings, LinkSettings, Settings, SwitchSettings
from gateway.telephony.doctor import examine_switch
from gateway.telephony.doctor_witness import AmiWitness, Answer, Witness

from .script import RECORDINGS

ACCOUNTS = (Account("1001", "x", "seat"), Account("2001", "x", "seat"))


def settings(port: int = 0, user: str = "liandong", secret: str = "lab-secret") -> Settings:
    """Two centres, linked both ways, as the lab's PBX has them."""
    pairs = (("12345", "110"), ("110", "12345"))
    return Settings(
        switch=SwitchSettings(port=port, user=user, secret=SecretStr(secret)),
        centres=[CentreSettings(code=code, name=code, queue=code) for code, _ in pairs],
        links=[
            LinkSettings(
                source=source, target=to, dial=f"Local/{to}@liandong-target/n", key=f"*{to}"
            )
            for source, to in pairs
        ],
    )


def question(action: str, headers: Mapping[str, str] | None) -> str:
    return " ".join([action, *(headers or {}).values()])


class Recorder:
    """A witness that keeps what another one heard."""

    def __init__(self, inner: Witness) -> None:
        self._inner = inner
        self.heard: dict[str, Answer] = {}

    def ask(self, action: str, headers: Mapping[str, str] | None = None) -> Answer:
        answer = self._inner.ask(action, headers)
        kept = {k: v for k, v in answer.headers.items() if k != "ActionID"}
        self.heard[question(action, headers)] = Answer(answer.ok, kept)
        return answer


class Recorded:
    """A witness that repeats a recording; `edit` changes what one console command printed."""

    def __init__(self, name: str) -> None:
        text = (RECORDINGS / f"doctor_{name}.json").read_text("utf-8")
        self._heard = {
            asked: Answer(said["ok"], said["headers"]) for asked, said in json.loads(text).items()
        }

    def ask(self, action: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self._heard[question(action, headers)]

    def edit(self, asked: str, old: str, new: str) -> None:
        """Replace text in one recorded output; it must be there."""
        said = self._heard[asked]
        for header, value in said.headers.items():
            if old in value:
                changed = {**said.headers, header: value.replace(old, new)}
                self._heard[asked] = Answer(said.ok, changed)
                return
        raise ValueError(f"{asked!r} did not say {old!r}")

    def answer(self, asked: str, **headers: str) -> None:
        self._heard[asked] = Answer(True, headers)

    def refuse(self, asked: str, message: str) -> None:
        self._heard[asked] = Answer(False, {"Message": message})


def _record(port: int) -> dict[str, object]:
    with AmiWitness(settings(port).switch) as witness:
        recorder = Recorder(witness)
        examine_switch(recorder, settings(port))
    return {
        asked: {"ok": said.ok, "headers": dict(said.headers)}
        for asked, said in recorder.heard.items()
    }


async def main() -> None:
    for name, with_files in (("with_files", True), ("without_files", False)):
        with tempfile.TemporaryDirectory() as logs:
            config = AsteriskConfig(ACCOUNTS, name="doctor", with_dialplans=with_files)
            pbx = await AsteriskLab.start(config, Path(logs))
            try:
                heard = await asyncio.to_thread(_record, pbx.config.ami_port)
            finally:
                await pbx.stop()
        path = RECORDINGS / f"doctor_{name}.json"
        path.write_text(json.dumps(heard, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    asyncio.run(main())
