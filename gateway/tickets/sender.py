"""One attempt: a signed POST, its outcome written down until the ledger has it."""

import asyncio
import json
import random
from collections.abc import Callable
from datetime import datetime

import httpx

from gateway.calls import facts as f
from gateway.clock import now as clock_now
from gateway.errors import LedgerError
from gateway.log import get
from gateway.settings import OrdersSettings
from gateway.tickets.outbox import Attempt, Message, Outbox
from gateway.tickets.retry import Outcome, judge, wait
from gateway.tickets.signing import Signer, cloud_event

_log = get("delivery")

Result = f.TicketDelivered | f.TicketFailed


class Sender:
    """Posts messages to the order system."""

    def __init__(
        self,
        orders: OrdersSettings,
        outbox: Outbox,
        client: httpx.AsyncClient,
        clock: Callable[[], datetime] = clock_now,
    ) -> None:
        self._orders = orders
        self._outbox = outbox
        self._client = client
        self._clock = clock
        self._signer = Signer(orders.secret.get_secret_value())

    async def deliver(self, message: Message) -> Result | None:
        """Make one attempt and settle it; return what to tell, None if the lease was lost."""
        started = self._clock()
        outcome = await self._post(message, started)
        attempt = self._attempt(message, started, outcome)
        mine = await self._settle(message, attempt)
        _log.info(
            "attempt",
            ticket=message.ticket_id,
            revision=message.revision,
            attempt=message.attempt,
            status=outcome.status,
            verdict=outcome.verdict,
            error=outcome.error,
            mine=mine,
        )
        return _result(message, attempt) if mine else None

    async def _post(self, message: Message, started: datetime) -> Outcome:
        body = cloud_event(message.webhook_id, json.loads(message.body))
        headers = self._signer.headers(message.webhook_id, started, body)
        try:
            # httpx bounds each phase; this bounds the whole, which the lease relies on.
            async with asyncio.timeout(self._orders.timeout_s):
                async with self._client.stream(
                    "POST", self._orders.url, content=body, headers=headers
                ) as answer:
                    return judge(
                        answer.status_code, answer.headers.get("retry-after"), self._clock()
                    )
        except TimeoutError:
            return Outcome("retry", None, f"no answer in {self._orders.timeout_s:g} s")
        except httpx.HTTPError as error:
            return Outcome("retry", None, f"no answer: {type(error).__name__}")

    def _attempt(self, message: Message, started: datetime, outcome: Outcome) -> Attempt:
        finished = self._clock()
        most = self._orders.max_attempts
        if outcome.verdict == "retry" and (not most or message.attempt < most):
            pause = wait(outcome, message.attempt, self._orders)
            return Attempt(started, finished, outcome, again_at=finished + pause)
        return Attempt(started, finished, outcome)

    async def _settle(self, message: Message, attempt: Attempt) -> bool:
        pause = 0.05
        while True:
            try:
                return await self._outbox.settle(message, attempt)
            except LedgerError as error:
                _log.warning("result-not-recorded", ticket=message.ticket_id, error=str(error))
                await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311
                pause = min(pause * 2, 2.0)


def _result(message: Message, attempt: Attempt) -> Result:
    told = {
        "call_id": message.call_id,
        "at": attempt.finished_at,
        "ticket_id": message.ticket_id,
        "revision": message.revision,
        "attempts": message.attempt,
    }
    if attempt.outcome.verdict == "delivered":
        return f.TicketDelivered.model_validate(told)
    dead = attempt.again_at is None
    return f.TicketFailed.model_validate(told | {"dead": dead, "error": attempt.outcome.error})
