"""The advice on one live call, brought up to date utterance by utterance."""

from collections.abc import Collection, Sequence

from gateway.calls.facts import UtteranceHeard
from gateway.dispatch.classify import Heard
from gateway.dispatch.extract import Reading, by_agent
from gateway.dispatch.suggest import Dispatcher, Memo, Proposal


class Incremental:
    """One live call: reads each utterance once, so an update costs its new words only."""

    def __init__(self, dispatcher: Dispatcher, agents: Collection[str] = ()) -> None:
        self._dispatcher = dispatcher
        self._agents = set(agents)
        self._readings: dict[str, tuple[str, Reading]] = {}
        self._words = Heard(dispatcher.classifier)
        self._counted: dict[str, Reading] = {}
        self._memo: Memo = {}

    def agent(self, leg_id: str) -> None:
        """Tell that `leg_id` is an operator's or an officer's."""
        self._agents.add(leg_id)

    def suggest(self, utterances: Sequence[UtteranceHeard]) -> Proposal | None:
        """Propose from the growing list; an utterance whose text changed is read again."""
        readings = [self._read(u) for u in utterances]
        self._count({r.utterance_id: r for r in readings if r.leg_id not in self._agents})
        return self._dispatcher.combine(readings, self._agents, self._words, self._memo)

    def _count(self, wanted: dict[str, Reading]) -> None:
        for name, reading in list(self._counted.items()):
            if wanted.get(name) is not reading:
                self._words.remove(reading)
                del self._counted[name]
        for name, reading in wanted.items():
            if name not in self._counted:
                self._words.add(reading)
                self._counted[name] = reading

    def _read(self, utterance: UtteranceHeard) -> Reading:
        held = self._readings.get(utterance.utterance_id)
        if held is None or held[0] != utterance.text or held[1].leg_id != utterance.leg_id:
            by_caller = utterance.leg_id not in self._agents
            reading = self._dispatcher.read(utterance, by_caller=by_caller)
            held = (utterance.text, reading if by_caller else by_agent(reading))
            self._readings[utterance.utterance_id] = held
        return held[1]
