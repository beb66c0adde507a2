"""A scripted call for fakes: a quarrel reported to 12345 that turns into a matter for 110."""

from datetime import UTC, datetime, timedelta

from gateway.calls import facts as f

START = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
NUMBER = "13812341234"
SPOKEN = (
    "您好，这里是12345热线，请讲。",
    "你好，我们小区门口有人吵架，现在已经动手打起来了。",
    "请问具体在什么位置？有人受伤吗？",
    "众兴镇人民路幸福小区东门，有个人头上流血了，手里还拿着刀。",
)


class LinkedCall:
    """Facts of one call, stage by stage; `at` advances the script's clock in seconds."""

    def __init__(self, call_id: str, start: datetime = START, caller: str = NUMBER) -> None:
        self.call_id = call_id
        self.caller = f"{call_id}.caller.1"
        self.agent = f"{call_id}.agent.1"
        self.target = f"{call_id}.target.1"
        self.transfer = f"{call_id}.t1"
        self.suggestion = f"{call_id}.s1"
        self._number = caller
        self._start = start

    def at(self, seconds: float) -> datetime:
        return self._start + timedelta(seconds=seconds)

    def answered(self, agent: str = "1001", name: str = "王敏") -> list[f.Fact]:
        """The citizen calls; the operator `agent` of 12345 answers."""
        return [
            f.CallStarted(
                call_id=self.call_id,
                at=self.at(0),
                room=f"ld-{self.call_id[:8]}",
                caller_number=self._number,
                called_number="12345",
                centre="12345",
                recording=f"{self.call_id}.wav",
                message_status="Exercise",
            ),
            self._leg(self.caller, 0, f.LegRole.CALLER, number=self._number),
            f.LegAnswered(call_id=self.call_id, at=self.at(0), leg_id=self.caller),
            self._leg(
                self.agent, 1, f.LegRole.AGENT, number="1001", centre="12345", agent=agent,
                agent_name=name, extension="1001",
            ),
            f.LegAnswered(call_id=self.call_id, at=self.at(3), leg_id=self.agent),
        ]  # fmt: skip

    def said(self, number: int, text: str | None = None, at: float | None = None) -> f.Fact:
        """Utterance `number` (even: the operator, odd: the citizen)."""
        start = (4 + 6 * number) if at is None else at
        words = SPOKEN[number] if text is None else text
        return f.UtteranceHeard(
            call_id=self.call_id,
            at=self.at(start + 4),
            utterance_id=f"{self.call_id}.u{number}",
            leg_id=self.caller if number % 2 else self.agent,
            start_ms=int(start * 1000),
            end_ms=int((start + 4) * 1000),
            text=words,
            text_raw=words,
            confidence=0.91,
            model="scripted",
        )

    def suggested(self) -> f.Fact:
        """110, an emergency, with the words behind it in utterances 1 and 3."""
        spans = [
            (1, "动手打起来", "正在发生的斗殴"),
            (3, "头上流血", "有人受伤"),
            (3, "拿着刀", "持械，危及人身安全"),
        ]
        return f.SuggestionMade(
            call_id=self.call_id,
            at=self.at(27),
            suggestion_id=self.suggestion,
            platform="110",
            item="B1",
            item_name="违法犯罪",
            urgency="emergency",
            confidence=0.87,
            evidence=[self._span(number, words, why) for number, words, why in spans],
            version="scripted",
        )

    def requested(self) -> f.Fact:
        return f.TransferRequested(
            call_id=self.call_id,
            at=self.at(30),
            transfer_id=self.transfer,
            transfer_kind=f.TransferKind.ONE_KEY,
            source="12345",
            target="110",
            transferor_leg=self.agent,
            agent="1001",
        )

    def changed(self, state: f.TransferState, at: float, **more: f.FailureReason) -> f.Fact:
        return f.TransferChanged(
            call_id=self.call_id,
            at=self.at(at),
            transfer_id=self.transfer,
            state=state,
            target_leg=self.target,
            reason=more.get("reason"),
        )

    def target_rings(self) -> list[f.Fact]:
        leg = self._leg(
            self.target, 31, f.LegRole.AGENT, number="2001", centre="110", agent="2001",
            agent_name="李强", extension="2001",
        )  # fmt: skip
        return [leg, self.changed(f.TransferState.RINGING, 31)]

    def target_answers(self) -> list[f.Fact]:
        legs = (self.caller, self.agent, self.target)
        return [
            f.LegAnswered(call_id=self.call_id, at=self.at(35), leg_id=self.target),
            *(f.LegJoinedRoom(call_id=self.call_id, at=self.at(35), leg_id=leg) for leg in legs),
            self.changed(f.TransferState.THREE_WAY, 35),
        ]

    def ticket(self, revision: int, phase: str = "preliminary") -> f.Fact:
        return f.TicketQueued.model_validate(
            {
                "call_id": self.call_id,
                "at": self.at(31),
                "ticket_id": f"T-{self.call_id}",
                "revision": revision,
                "phase": phase,
            }
        )

    def delivered(self, revision: int, attempts: int = 1) -> f.Fact:
        return f.TicketDelivered(
            call_id=self.call_id,
            at=self.at(32),
            ticket_id=f"T-{self.call_id}",
            revision=revision,
            attempts=attempts,
        )

    def three_way(self) -> list[f.Fact]:
        """Everything up to the three talking."""
        return [
            *self.answered(),
            *(self.said(number) for number in range(len(SPOKEN))),
            self.suggested(),
            self.requested(),
            *self.target_rings(),
            self.ticket(1),
            self.delivered(1),
            *self.target_answers(),
        ]

    def ended(self) -> list[f.Fact]:
        end, legs = self.at(90), (self.agent, self.target, self.caller)
        return [
            *(f.LegEnded(call_id=self.call_id, at=end, leg_id=leg, cause=16) for leg in legs),
            f.CallEnded(call_id=self.call_id, at=end, reason="caller_hung_up"),
        ]

    def _leg(self, leg_id: str, at: float, role: f.LegRole, **more: str) -> f.Fact:
        return f.LegAdded(
            call_id=self.call_id,
            at=self.at(at),
            leg_id=leg_id,
            role=role,
            channel=f"PJSIP/{more.get('number', '')}-00000001",
            unique_id="1772415000.1",
            **more,
        )

    def _span(self, number: int, words: str, why: str) -> f.EvidenceSpan:
        start = SPOKEN[number].index(words)
        return f.EvidenceSpan(
            utterance_id=f"{self.call_id}.u{number}",
            start=start,
            end=start + len(words),
            text=words,
            why=why,
        )
