"""Advice begins after the calls: what it reads first takes seconds, and nobody waits for it."""

import asyncio
import gc
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.calls import facts as f
from gateway.calls.view import CallView
from gateway.dispatch.follow import follow
from gateway.errors import AdviceNotReady

if TYPE_CHECKING:
    from gateway.dispatch.advice import ProfileId
    from gateway.dispatch.advisor import Advisor
    from gateway.dispatch.taxonomy import Taxonomy

MAX_TEXT = 5_000
"""Code points of a text that is asked about: reading it shares the processor with the calls."""


class Advising:
    """Offer it every fact, as an `Advisor`; what is said before `begin` is advised on then."""

    def __init__(
        self,
        record: Callable[[f.Fact], None],
        lists: Path | None = None,
        profile: "ProfileId" = "siyang",
    ) -> None:
        """`lists`: the diversion lists' file; None: those shipped."""
        self._record = record
        self._lists = lists
        self._profile = profile
        self._one_text = asyncio.Lock()
        self._advisor: Advisor | None = None
        self._waiting: dict[str, tuple[f.Fact, CallView]] = {}

    def see(self, fact: f.Fact, view: CallView) -> None:
        """Take a fact, already folded into `view`."""
        if self._advisor is not None:
            self._advisor.see(fact, view)
        elif isinstance(fact, f.UtteranceHeard):
            self._waiting[view.id] = (fact, view)

    def overhear(self, spoken: f.UtteranceHeard, view: CallView) -> None:
        """Take the words so far of an utterance that is still being spoken."""
        if self._advisor is not None:
            self._advisor.overhear(spoken, view)

    async def begin(self) -> None:
        """Read all of it. Raises ConfigError naming line and fix where the lists are broken."""
        self._advisor = await asyncio.to_thread(self._load)
        # It stays: else each full search for garbage goes through all of it while calls wait.
        gc.freeze()
        for fact, view in self._waiting.values():
            self._advisor.see(fact, view)
        self._waiting.clear()

    async def answer(self, text: str) -> dict[str, object]:
        """Return what is proposed for a text, one text at a time: calls go first.

        Raises AdviceNotReady before `begin` is over, TextRefused for an empty or long text.
        """
        advisor = self._begun()
        from gateway.dispatch.answer import answer  # noqa: PLC0415  slow to load

        async with self._one_text:
            return await asyncio.to_thread(answer, advisor.dispatcher, text, MAX_TEXT)

    def lists(self) -> "Taxonomy":
        """Return the diversion lists in force. Raises AdviceNotReady."""
        return self._begun().dispatcher.taxonomy

    async def follow(self) -> None:
        """Renew the lists whenever their file changes, for ever."""
        assert self._advisor is not None, "begin first"
        if self._lists is None:
            await asyncio.Event().wait()
        else:
            await follow(self._lists, self._advisor.renew)

    def _begun(self) -> "Advisor":
        if self._advisor is None:
            raise AdviceNotReady("advice is still being read; ask again in a few seconds")
        return self._advisor

    def _load(self) -> "Advisor":
        from gateway.dispatch.advisor import Advisor  # noqa: PLC0415  slow to load
        from gateway.dispatch.suggest import Dispatcher  # noqa: PLC0415
        from gateway.dispatch.taxonomy import load  # noqa: PLC0415

        gc.disable()  # it would search what is being read, again and again, and calls would wait
        try:
            return Advisor(Dispatcher(load(self._lists), profile=self._profile), self._record)
        finally:
            gc.enable()
