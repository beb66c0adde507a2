"""A call whose words reach an advisor, and what it makes of them."""

from dispatch_said import engine

from gateway.calls import facts as f
from gateway.calls.view import CallView
from gateway.dispatch.advisor import Advisor

CALLER, AGENT = "call-1.caller.0", "call-1.agent.1"
LIGHT, DANGER = "我们小区门口的路灯坏了", "邻居正在打我，快来人"


class Desk:
    def __init__(self) -> None:
        self.made: list[f.SuggestionMade] = []
        self.advisor = Advisor(engine(), self._record)
        self.views: dict[str, CallView] = {}
        self._said = 0

    def _record(self, fact: f.Fact) -> None:
        assert isinstance(fact, f.SuggestionMade)
        self.made.append(fact)
        self.see(fact)

    def see(self, fact: f.Fact) -> None:
        view = self.views.setdefault(fact.call_id, CallView(id=fact.call_id))
        view.apply(fact)
        self.advisor.see(fact, view)

    def says(self, text: str, leg_id: str = CALLER, call_id: str = "call-1") -> None:
        self._said += 1
        self.see(self.heard(text, leg_id, call_id))

    def is_saying(self, text: str, leg_id: str = CALLER) -> None:
        """The words so far of what `says` will say next."""
        spoken = self.heard(text, leg_id, "call-1", self._said + 1)
        self.advisor.overhear(spoken, self.views["call-1"])

    def heard(
        self, text: str, leg_id: str, call_id: str = "call-1", at: int = 0
    ) -> f.UtteranceHeard:
        """Utterance `at`; without it, the one that `says` has come to."""
        at = at or self._said
        return f.UtteranceHeard(
            call_id=call_id,
            utterance_id=f"u{at}",
            leg_id=leg_id,
            start_ms=1000 * at,
            end_ms=1000 * at + 900,
            text=text,
            text_raw=text,
            model="m",
        )


def given_call() -> Desk:
    """An operator has answered."""
    desk = Desk()
    desk.see(
        f.LegAdded(
            call_id="call-1",
            leg_id=AGENT,
            role=f.LegRole.AGENT,
            channel="PJSIP/1001-1",
            unique_id="1.2",
        )
    )
    return desk
