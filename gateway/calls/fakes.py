"""A CallControl for tests and for trying the page: it is told facts and notes what is asked.

It drives no switch. `feed` facts; `allow` verbs; what the API asks for is in `requests`.
"""

from collections.abc import Callable
from typing import Any, Literal

from gateway.calls import facts as f
from gateway.calls.port import VERB_OF, Actor, ComponentHealth, LegalVerb, TransferOrder, Verb
from gateway.calls.view import CallView, TransferView
from gateway.errors import CallNotFound, IdempotencyConflict, IllegalVerb
from gateway.ids import new_id


class FakeCallControl:
    """`on_fact` hears each fact, as pages do; put an exception into `fail` by verb name."""

    def __init__(self, on_fact: Callable[[f.Fact], None] | None = None) -> None:
        self.requests: list[tuple[Any, ...]] = []
        self.components: list[ComponentHealth] = [ComponentHealth("switch", ok=True)]
        self.fail: dict[str, Exception] = {}
        self._on_fact = on_fact or (lambda _: None)
        self._calls: dict[str, CallView] = {}
        self._legal: dict[str, list[LegalVerb]] = {}
        self._orders: dict[str, tuple[str, TransferOrder, TransferView]] = {}

    def feed(self, *facts: f.Fact) -> None:
        """Let facts happen, in order; a call begins with its first one."""
        for fact in facts:
            self._calls.setdefault(fact.call_id, CallView(id=fact.call_id)).apply(fact)
            self._on_fact(fact)

    def allow(self, call_id: str, *verbs: LegalVerb) -> None:
        """Say which verbs are legal from now on."""
        self._legal[call_id] = list(verbs)

    def calls(self) -> list[CallView]:
        return list(self._calls.values())

    def call(self, call_id: str) -> CallView:
        try:
            return self._calls[call_id]
        except KeyError:
            raise CallNotFound(f"no call {call_id}") from None

    def legal(self, call_id: str) -> list[LegalVerb]:
        self.call(call_id)
        return self._legal.get(call_id, [])

    async def transfer(self, call_id: str, order: TransferOrder, by: Actor) -> TransferView:
        if known := self._orders.get(order.idempotency_key):
            if known[:2] != (call_id, order):
                raise IdempotencyConflict("the same key came with a different request")
            return known[2]
        verb = VERB_OF[order.kind]
        self._ask("transfer", call_id, verb, order.target, order, by)
        requested = f.TransferRequested(
            call_id=call_id,
            transfer_id=new_id(),
            transfer_kind=order.kind,
            source=self.call(call_id).centre,
            target=order.target,
            transferor_leg=self._leg_of(call_id, by),
            agent=by.agent,
            via="api",
        )
        self.feed(requested)
        transfer = self.call(call_id).transfers[-1]
        if order.idempotency_key:
            self._orders[order.idempotency_key] = (call_id, order, transfer)
        return transfer

    async def back(self, call_id: str, by: Actor) -> CallView:
        self._ask("back", call_id, Verb.BACK, "", by)
        return self.call(call_id)

    async def join(self, call_id: str, by: Actor) -> CallView:
        self._ask("join", call_id, Verb.JOIN, "", by)
        return self.call(call_id)

    async def drop(self, call_id: str, leg_id: str, by: Actor) -> CallView:
        self._ask("drop", call_id, Verb.DROP, leg_id, leg_id, by)
        return self.call(call_id)

    async def release(self, call_id: str, by: Actor) -> CallView:
        self._ask("release", call_id, Verb.RELEASE, "", by)
        return self.call(call_id)

    async def mark(self, call_id: str, danger: bool, by: Actor) -> CallView:
        self._note("mark", call_id, danger, by)
        self.feed(f.CallMarked(call_id=call_id, danger=danger, agent=by.agent))
        return self.call(call_id)

    async def designate(self, call_id: str, centre: str, reason: str, by: Actor) -> CallView:
        self._note("designate", call_id, centre, reason, by)
        made = f.OwnershipDesignated(call_id=call_id, centre=centre, by=by.name, reason=reason)
        self.feed(made)
        return self.call(call_id)

    async def settle(self, call_id: str, centre: str, by: Actor) -> CallView:
        self._note("settle", call_id, centre, by)
        call = self.call(call_id)
        settled = f.OwnershipSettled(
            call_id=call_id,
            centre=centre or call.centre,
            how="accepted" if centre else "first_answer",
            transfer_id=call.unsettled,
            by=by.agent or by.name,
        )
        self.feed(settled)
        return call

    def tell(self, fact: f.Fact, view: CallView) -> None:
        self._calls.setdefault(fact.call_id, view)
        self.feed(fact)

    async def decide(
        self,
        call_id: str,
        suggestion_id: str,
        decision: Literal["accepted", "changed", "ignored"],
        platform: str,
        item: str | None,
        by: Actor,
    ) -> CallView:
        self._note("decide", call_id, suggestion_id, decision, platform, item, by)
        self.feed(
            f.SuggestionDecided(
                call_id=call_id,
                suggestion_id=suggestion_id,
                decision=decision,
                platform=platform,
                item=item,
                agent=by.agent,
            )
        )
        return self.call(call_id)

    async def health(self) -> list[ComponentHealth]:
        return self.components

    def _ask(self, name: str, call_id: str, verb: Verb, target: str, *more: Any) -> None:
        if not any(v.verb is verb and v.target in ("", target) for v in self.legal(call_id)):
            raise IllegalVerb(f"{verb} is not legal now")
        self._note(name, call_id, *more)

    def _note(self, name: str, *request: Any) -> None:
        if error := self.fail.get(name):
            raise error
        self.requests.append((name, *request))

    def _leg_of(self, call_id: str, by: Actor) -> str:
        legs = self.call(call_id).legs.values()
        return next((leg.id for leg in legs if leg.agent == by.agent and not leg.ended_at), "")
