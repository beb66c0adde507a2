"""panoramisk's AMI protocol with its defects closed; one instance per TCP connection.

panoramisk 1.4 decodes every TCP read by itself (characters cut in two vanish), guesses from a
reply's wording whether more will follow (and raises where it guesses wrong), leaves the callers of
lost actions waiting for ever, and keeps those actions to send again. Here: an incremental decoder,
completion by what was asked for, and every pending action failed as *unknown* on loss.
"""

import asyncio
import codecs
import logging
import time
from collections import OrderedDict

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager
from panoramisk.message import Message

from gateway import log
from gateway.errors import SwitchTimeout

_log = log.get("telephony")

MAX_UNPARSED = 16 * 1024 * 1024
"""Characters without a message end after which the peer is not taken for a PBX."""

_REMEMBERED_LISTS = 256


def silent_logger() -> logging.Logger:
    """A logger that says nothing: panoramisk logs whole actions (secrets) and messages (people)."""
    logger = logging.Logger("panoramisk")  # noqa: LOG001  a registered one could be re-enabled
    logger.disabled = True
    return logger


class PendingAction(Action):
    """One action in flight. Its future yields every message that answers it."""

    def __init__(self, headers: dict[str, str | list[str]], *, listing: bool) -> None:
        super().__init__(headers)
        self.listing = listing

    def add_message(self, message: Message) -> bool:
        """Take a message in; True when it was the last one."""
        self.responses.append(message)
        if self.listing and not _ends_list(message):
            return False
        if not self.future.done():
            self.future.set_result(list(self.responses))
        return True


def _ends_list(message: Message) -> bool:
    marker = str(message.get("eventlist", "")).lower()
    if "event" not in message:
        return marker != "start"
    return marker in {"complete", "cancelled"} or str(message["event"]).endswith("Complete")


class HardenedProtocol(AMIProtocol):
    """Counts what it had to ignore in `late` (replies nobody waits for) and `faults`."""

    factory: Manager

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.log = silent_logger()
        self.encoding = "utf-8"
        self.last_heard = time.monotonic()
        self.late = 0
        self.faults = 0
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._spent_lists: OrderedDict[str, None] = OrderedDict()

    def data_received(self, data: bytes) -> None:
        self.last_heard = time.monotonic()
        if text := self._decoder.decode(data):
            super().data_received(text.encode())
        if self.queue and len(self.queue[0]) > MAX_UNPARSED:
            _log.error("ami-no-message-end", limit=MAX_UNPARSED)
            self.transport.abort()

    def handle_message(self, message: Message) -> None:
        # An exception that leaves data_received closes the connection: never for one message.
        try:
            self._route(message)
        except Exception as error:
            self.faults += 1
            _log.warning("ami-message-not-handled", error=type(error).__name__)

    def _route(self, message: Message) -> None:
        action_id = message.action_id
        pending = self.responses.get(action_id)
        if "event" not in message:
            if pending is None:
                self.late += 1
            else:
                self._answer(pending, message)
        elif pending is not None and pending.responses:
            self._answer(pending, message)
        elif action_id in self._spent_lists:
            self.late += 1
        else:
            self.factory.dispatch(message)

    def _answer(self, pending: PendingAction, message: Message) -> None:
        super().handle_message(message)
        if pending.id not in self.responses:
            self._spend(pending)

    def _spend(self, action: PendingAction) -> None:
        # Only lists: an OriginateResponse carries its action's id and must arrive however late.
        if action.listing:
            self._spent_lists[action.id] = None
            while len(self._spent_lists) > _REMEMBERED_LISTS:
                self._spent_lists.popitem(last=False)

    def abandon(self, action: PendingAction) -> None:
        """Stop waiting: whatever still comes for `action` is late and ignored."""
        self.responses.pop(action.id, None)
        self._spend(action)
        action.future.cancel()

    def close(self) -> None:
        for action in self.responses.values():
            if not action.future.done():
                lost = f"{action['action']}: connection lost before the reply; outcome unknown"
                action.future.set_exception(SwitchTimeout(lost))
        self.responses.clear()
        super().close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.factory is None:
            self.close()
        else:
            super().connection_lost(exc)
        if not self.gone.done():
            self.gone.set_result(None)
