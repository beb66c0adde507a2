"""Keeps the suggestion of each live call up to date with what has been heard."""

from collections.abc import Callable

from gateway.calls import facts as f
from gateway.calls.view import CallView
from gateway.dispatch.suggest import Dispatcher, Incremental, Proposal
from gateway.ids import new_id


class Advisor:
    """Offer it every fact; it records a new SuggestionMade when the proposal has changed."""

    def __init__(self, dispatcher: Dispatcher, record: Callable[[f.Fact], None]) -> None:
        self._dispatcher = dispatcher
        self._record = record
        self._calls: dict[str, Incremental] = {}

    def see(self, fact: f.Fact, view: CallView) -> None:
        """Take a fact, already folded into `view`."""
        if isinstance(fact, f.UtteranceHeard):
            self._update(view)
        elif isinstance(fact, f.CallEnded):
            self._calls.pop(fact.call_id, None)

    def _update(self, view: CallView) -> None:
        call = self._calls.setdefault(view.id, Incremental(self._dispatcher))
        for leg in view.legs.values():
            if leg.role is f.LegRole.AGENT:
                call.agent(leg.id)
        proposal = call.suggest(view.utterances)
        if view.ended_at is not None:
            self._calls.pop(view.id, None)
        if proposal is not None and not _same(view.suggestion, proposal):
            self._record(_fact(view.id, proposal))


def _fact(call_id: str, proposal: Proposal) -> f.SuggestionMade:
    return f.SuggestionMade(
        call_id=call_id,
        suggestion_id=new_id(),
        platform=proposal.platform,
        item=proposal.item,
        item_name=proposal.item_name,
        urgency=proposal.urgency,
        confidence=proposal.confidence,
        evidence=list(proposal.evidence),
        version=proposal.version,
    )


def _same(made: f.SuggestionMade | None, proposal: Proposal) -> bool:
    return made is not None and (
        made.platform,
        made.item,
        made.urgency,
        round(made.confidence, 2),
        made.evidence,
    ) == (
        proposal.platform,
        proposal.item,
        proposal.urgency,
        round(proposal.confidence, 2),
        list(proposal.evidence),
    )
