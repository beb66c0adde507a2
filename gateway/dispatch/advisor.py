"""Keeps the suggestion of each live call up to date with what has been heard."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from gateway.calls import facts as f
from gateway.calls.view import CallView
from gateway.dispatch.incremental import Incremental
from gateway.dispatch.suggest import Dispatcher, Proposal
from gateway.dispatch.taxonomy import load
from gateway.dispatch.unfinished import Unfinished
from gateway.ids import new_id


class Advisor:
    """Offer it every fact; it records a new SuggestionMade when the proposal has changed."""

    def __init__(self, dispatcher: Dispatcher, record: Callable[[f.Fact], None]) -> None:
        self.dispatcher = dispatcher
        self._record = record
        self._calls: dict[str, Incremental] = {}
        self._unfinished: dict[str, Unfinished] = {}

    def renew(self, path: Path | None = None) -> None:
        """Read the taxonomy again; calls that begin from now on use it.

        Raises ConfigError naming line and fix; the version before stays in force.
        """
        self.dispatcher = self.dispatcher.renewed(load(path))

    def see(self, fact: f.Fact, view: CallView) -> None:
        """Take a fact, already folded into `view`."""
        if isinstance(fact, f.UtteranceHeard):
            self._update(view)
        elif isinstance(fact, f.CallEnded):
            self._forget(view)

    def overhear(self, spoken: f.UtteranceHeard, view: CallView) -> None:
        """Take the words so far of an utterance that is still being spoken: no fact yet."""
        leg = view.legs.get(spoken.leg_id)
        if view.ended_at is not None or (leg and leg.role is f.LegRole.AGENT):
            return
        unfinished = self._unfinished.setdefault(view.id, Unfinished())
        if unfinished.due(spoken, self.dispatcher.dangers):
            self._update(view)

    def _update(self, view: CallView) -> None:
        call = self._calls.setdefault(view.id, Incremental(self.dispatcher))
        for leg in view.legs.values():
            if leg.role is f.LegRole.AGENT:
                call.agent(leg.id)
        unfinished = self._unfinished.get(view.id) or Unfinished()
        spoken = unfinished.words({heard.utterance_id for heard in view.utterances})
        proposal = call.suggest([*view.utterances, *spoken])
        if spoken and proposal and proposal.urgency == "emergency" and not unfinished.alarming:
            # What the classifier only feels waits for the end of the utterance.
            spoken, proposal = [], call.suggest(view.utterances)
        if proposal is None and unfinished.shown:
            proposal = _nothing(self.dispatcher.version)
        if view.ended_at is not None:
            self._forget(view)
        if proposal is not None and not _same(view.suggestion, proposal):
            unfinished.shown = bool(spoken)
            self._record(_fact(view.id, proposal))

    def _forget(self, view: CallView) -> None:
        self._calls.pop(view.id, None)
        self._unfinished.pop(view.id, None)


def _nothing(version: str) -> Proposal:
    """Return what is left of a suggestion whose words were taken back."""
    return Proposal("12345", None, "", None, "normal", 0.0, (), version, sure=False)


def _fact(call_id: str, proposal: Proposal) -> f.SuggestionMade:
    return _shown(proposal).model_copy(update={"call_id": call_id, "suggestion_id": new_id()})


_OWN = {"kind", "call_id", "suggestion_id", "at"}


def _shown(proposal: Proposal) -> f.SuggestionMade:
    district = proposal.district
    return f.SuggestionMade(
        call_id="",
        suggestion_id="",
        platform=proposal.platform,
        item=proposal.item,
        item_name=proposal.item_name,
        runner_up=proposal.runner_up,
        also=list(proposal.also),
        sure=proposal.sure,
        urgency=proposal.urgency,
        confidence=proposal.confidence,
        unit=proposal.units[0] if proposal.units else "",
        assist=list(proposal.units[1:]),
        district=f.Area(**asdict(district)) if district else None,
        place=proposal.place,
        facts=[f.Said(**fact._asdict()) for fact in proposal.facts],
        ask=list(proposal.ask),
        deadline=proposal.deadline,
        request_type=proposal.type,
        title=proposal.title,
        summary=proposal.summary,
        evidence=list(proposal.evidence),
        version=proposal.version,
    )


def _same(made: f.SuggestionMade | None, proposal: Proposal) -> bool:
    """Say whether nothing an operator would see has changed."""
    if made is None:
        return False
    shown = _shown(proposal)
    # The summary grows with every word said; by itself it is no new suggestion.
    quiet = {*_OWN, "summary", "confidence"}
    if round(made.confidence, 1) != round(shown.confidence, 1):
        return False
    return made.model_dump(exclude=quiet) == shown.model_dump(exclude=quiet)
