"""A sample call and its ticket: the example in the docs, and what tests tell the ledger.

``python -m gateway.tickets.sample > docs/examples/ticket.json``
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.calls import facts as f
from gateway.calls.view import CallView
from gateway.settings import CentreSettings, Settings
from gateway.tickets.build import build
from gateway.tickets.model import Ticket

START = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
CALL = "0197a000-0000-7000-8000-0000000000aa"
CENTRES = [
    CentreSettings(code="12345", name="政务服务便民热线", queue="12345"),
    CentreSettings(code="110", name="公安报警服务台", queue="110"),
]


class SampleCall:
    """A street light hangs loose over a crowd: 12345 asks 110 in. Facts, stage by stage."""

    def __init__(self, call_id: str = CALL, start: datetime = START) -> None:
        self.call_id, self._start = call_id, start
        self.caller, self.agent, self.target = (
            f"{call_id}.{role}" for role in ("caller.1", "agent.1", "target.1")
        )

    def started(self) -> list[f.Fact]:
        """The citizen calls and is heard by an operator of 12345, who asks 110 in."""
        return [
            f.CallStarted(
                **self._at(0),
                room="ld-sample",
                caller_number="13812341234",
                called_number="12345",
                centre="12345",
                recording="ld-sample.wav",
                message_status="Test",
            ),
            self._leg(self.caller, 0, f.LegRole.CALLER, number="13812341234"),
            f.LegAnswered(**self._at(1), leg_id=self.caller),
            self._leg(self.agent, 1, f.LegRole.AGENT, centre="12345", agent="1001"),
            f.LegAnswered(**self._at(4), leg_id=self.agent),
            self.said("u1", self.caller, 6, "路灯快掉下来了，下面全是人"),
            self.suggested(),
            f.TransferRequested(
                **self._at(14),
                transfer_id=f"{self.call_id}.t1",
                transfer_kind=f.TransferKind.ONE_KEY,
                source="12345",
                target="110",
                transferor_leg=self.agent,
                agent="1001",
                hop=1,
            ),
        ]

    def rings(self, at: float = 15) -> list[f.Fact]:
        """110 rings."""
        leg = self._leg(self.target, at, f.LegRole.AGENT, centre="110", agent="2001")
        return [leg, self.changed(f.TransferState.RINGING, at)]

    def answers(self) -> list[f.Fact]:
        """110 answers, the three talk, the operator of 12345 leaves."""
        answered = f.LegAnswered(**self._at(19), leg_id=self.target)
        states = ((19, f.TransferState.THREE_WAY), (30, f.TransferState.RELEASED))
        left = f.LegEnded(**self._at(30), leg_id=self.agent, cause=16, ended_by="party")
        return [answered, *(self.changed(state, at) for at, state in states), left]

    def ends(self) -> list[f.Fact]:
        """The citizen hangs up."""
        legs = ((self.caller, "party"), (self.target, "gateway"))
        return [
            self.changed(f.TransferState.COMPLETED, 60),
            *(
                f.LegEnded.model_validate(
                    {**self._at(60), "leg_id": leg, "cause": 16, "ended_by": who}
                )
                for leg, who in legs
            ),
            f.CallEnded(**self._at(60), reason="caller_hung_up"),
        ]

    def closed(self) -> list[f.Fact]:
        """The recogniser has said everything."""
        legs = (self.caller, self.agent, self.target)
        return [f.SpeechClosed(**self._at(60.2), leg_id=leg) for leg in legs]

    def said(self, utterance: str, leg: str, at: float, text: str) -> f.UtteranceHeard:
        return f.UtteranceHeard(
            **self._at(at + 3),
            utterance_id=f"{self.call_id}.{utterance}",
            leg_id=leg,
            start_ms=int(at * 1000),
            end_ms=int((at + 3) * 1000),
            text=text,
            text_raw=text.replace("，", ""),
            confidence=0.83,
            model="sample-1",
        )

    def suggested(self) -> f.SuggestionMade:
        span = f.EvidenceSpan(
            utterance_id=f"{self.call_id}.u1", start=0, end=6, text="路灯快掉下来", why="高空坠物"
        )
        return f.SuggestionMade(
            **self._at(10),
            suggestion_id=f"{self.call_id}.s1",
            platform="110",
            item="B6",
            item_name="抢险抗灾",
            urgency="urgent",
            confidence=0.7,
            evidence=[span],
            version="sample-1",
            runner_up="A1",
            unit="住房和城乡建设局",
            assist=["供电公司"],
            district=f.Area(
                code="321323001",
                code_system="NBS-2023",
                name="众兴街道",
                path="江苏省泗阳县众兴街道",
            ),
            place="北京路路口",
            facts=[
                f.Said(
                    kind="hazard",
                    value="路灯快掉下来",
                    utterance_id=f"{self.call_id}.u1",
                    start=0,
                    end=6,
                    text="路灯快掉下来",
                )
            ],
            ask=["下面有人或车吗？"],
            deadline="30 分钟内到场",
            request_type="求助",
            title="路灯快掉下来",
            summary="路灯快掉下来",
        )

    def decided(self) -> f.SuggestionDecided:
        return f.SuggestionDecided(
            **self._at(70),
            suggestion_id=f"{self.call_id}.s1",
            decision="accepted",
            platform="110",
            item="B6",
            agent="2001",
        )

    def changed(self, state: f.TransferState, at: float) -> f.TransferChanged:
        return f.TransferChanged(
            **self._at(at),
            transfer_id=f"{self.call_id}.t1",
            state=state,
            target_leg=self.target,
        )

    def _leg(self, leg: str, at: float, role: f.LegRole, **more: str) -> f.LegAdded:
        extension = more.get("agent", "")
        return f.LegAdded(
            **self._at(at),
            leg_id=leg,
            role=role,
            channel="PJSIP/sample-00000001",
            unique_id=leg,
            extension=extension,
            **more,
        )

    def _at(self, seconds: float) -> dict[str, Any]:
        return {"call_id": self.call_id, "at": self._start + timedelta(seconds=seconds)}


def fold(call_id: str, facts: list[f.Fact]) -> CallView:
    """Return the read model of `facts`."""
    view = CallView(id=call_id)
    for fact in facts:
        view.apply(fact)
    return view


def sample_ticket() -> Ticket:
    """Return the final ticket of the sample call, at revision 2."""
    call = SampleCall()
    told = [*call.started(), *call.rings(), *call.answers(), *call.ends(), *call.closed()]
    return build(
        fold(call.call_id, told),
        Settings.model_construct(platform="siyang", centres=CENTRES),
        phase="final",
        revision=2,
        created_at=START + timedelta(seconds=15),
        updated_at=START + timedelta(seconds=60.2),
        unbroken=True,
    )


if __name__ == "__main__":
    print(sample_ticket().model_dump_json(indent=2))  # noqa: T201
