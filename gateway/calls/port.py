"""What the API may ask of call control. `CallControl` is served by the registry in `serve`."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from gateway.calls import facts as f
from gateway.calls.facts import TransferKind
from gateway.calls.view import CallView, TransferView


class Verb(StrEnum):
    """What an operator can do with a call, by key or by API."""

    TRANSFER = "transfer"
    THREE_WAY = "three_way"
    BACK = "back"
    RELEASE = "release"
    CONSULT = "consult"
    JOIN = "join"
    DROP = "drop"


VERB_OF = {
    TransferKind.ONE_KEY: Verb.TRANSFER,
    TransferKind.THREE_WAY: Verb.THREE_WAY,
    TransferKind.CONSULT: Verb.CONSULT,
}
"""The verb that asks for a transfer of each kind."""


@dataclass(frozen=True)
class Actor:
    """Who asks: an authenticated token. `agent` is empty for people without a seat."""

    name: str
    role: Literal["operator", "supervisor", "admin", "system"]
    agent: str = ""


@dataclass(frozen=True)
class LegalVerb:
    """A verb that is legal now; `target`: a centre to ring, a leg to drop, or ''."""

    verb: Verb
    target: str = ""
    key: str = ""


@dataclass(frozen=True)
class ComponentHealth:
    """`name` is switch, redis, ledger, speech, delivery or journal."""

    name: str
    ok: bool
    detail: str = ""


@dataclass(frozen=True)
class TransferOrder:
    """A transfer asked for by API. `idempotency_key` makes a repeat return the first result."""

    target: str
    kind: TransferKind
    idempotency_key: str = field(default="")


class CallControl(Protocol):
    """Raises CallNotFound, IllegalVerb, DesignationNeeded, IdempotencyConflict, SwitchError."""

    def calls(self) -> list[CallView]:
        """Live calls, oldest first, then those ended in the last minutes."""
        ...

    def call(self, call_id: str) -> CallView: ...

    def legal(self, call_id: str) -> list[LegalVerb]:
        """Verbs that would be accepted at this moment."""
        ...

    async def transfer(self, call_id: str, order: TransferOrder, by: Actor) -> TransferView: ...

    async def back(self, call_id: str, by: Actor) -> CallView:
        """End the target's leg; the operator stays with the caller."""
        ...

    async def join(self, call_id: str, by: Actor) -> CallView:
        """Make a talk of all three of the operator's consultation."""
        ...

    async def drop(self, call_id: str, leg_id: str, by: Actor) -> CallView:
        """Let another party's leg go; the operator stays with the caller."""
        ...

    async def release(self, call_id: str, by: Actor) -> CallView:
        """Let the operator's leg go, once the person at the target has answered."""
        ...

    async def mark(self, call_id: str, danger: bool, by: Actor) -> CallView:
        """Say whether there is danger: the next ring of 110 is at its queue's head, and urgent."""
        ...

    async def designate(self, call_id: str, centre: str, reason: str, by: Actor) -> CallView:
        """Say which centre accepts: a transfer to it rings again, however many there have been."""
        ...

    async def settle(self, call_id: str, centre: str, by: Actor) -> CallView:
        """Write down what a three-way came to; '': undecided, the first centre accepts."""
        ...

    def tell(self, fact: f.Fact, view: CallView) -> None:
        """Pass on a fact that the record has taken; `view`: the call as the record has it."""
        ...

    async def decide(
        self,
        call_id: str,
        suggestion_id: str,
        decision: Literal["accepted", "changed", "ignored"],
        platform: str,
        item: str | None,
        by: Actor,
    ) -> CallView: ...

    async def health(self) -> list[ComponentHealth]: ...
