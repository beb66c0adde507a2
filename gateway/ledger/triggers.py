"""When a call's ticket is due. Pure: times are seconds of a monotonic clock given in."""

from dataclasses import dataclass

from gateway.calls import facts as f
from gateway.calls.view import CallView

SPEECH_WAIT_S = 0.7
"""How long the last words may take after the call's end before the final ticket goes without."""

DEBOUNCE_S = 1.0
"""Facts that come after the final revision are gathered this long into one further revision."""

_SAYS_MORE = (
    f.UtteranceHeard,
    f.GapMarked,
    f.SuggestionMade,
    f.SuggestionDecided,
    f.LegEnded,
    f.TransferChanged,
    f.CallbackOpened,
    f.CallbackTaken,
    f.CallbackDone,
)


@dataclass
class _Due:
    at: float
    view: CallView
    for_speech: bool


class Triggers:
    """Watches facts go by and says whose final revision is due."""

    def __init__(self) -> None:
        self._due: dict[str, _Due] = {}

    def see(self, fact: f.Fact, view: CallView, now: float) -> None:
        """Take note of `fact`; `view` is the live one, read again when its time has come."""
        if isinstance(fact, f.CallEnded):
            self._due[fact.call_id] = _Due(now + SPEECH_WAIT_S, view, for_speech=True)
        elif view.ended_at and isinstance(fact, _SAYS_MORE):
            self._due.setdefault(fact.call_id, _Due(now + DEBOUNCE_S, view, for_speech=False))
        if (due := self._due.get(fact.call_id)) is not None:
            due.view = view
            if due.for_speech and everyone_heard(view):
                due.at = now

    def next_at(self) -> float | None:
        """Return when the next ticket is due; None: none is."""
        return min((due.at for due in self._due.values()), default=None)

    def take(self, now: float) -> list[CallView]:
        """Return the calls whose final revision is due by `now`, and forget them."""
        ripe = [call for call, due in self._due.items() if due.at <= now]
        return [self._due.pop(call).view for call in ripe]


def everyone_heard(view: CallView) -> bool:
    """Return whether the recogniser has closed every leg that was answered, and thus tapped."""
    answered = {leg.id for leg in view.legs.values() if leg.answered_at}
    return answered <= view.speech_closed


def rings(fact: f.Fact) -> bool:
    """Return whether `fact` is a target beginning to ring: time for the preliminary ticket."""
    return isinstance(fact, f.TransferChanged) and fact.state is f.TransferState.RINGING
