"""Answers worth keeping for a moment."""

import json
import time
from collections import OrderedDict
from typing import Any

from gateway.api.present import masked
from gateway.calls.port import CallControl, ComponentHealth
from gateway.live.item import LiveItem


class HealthCache:
    """The last answer of `CallControl.health`, so that the open address is cheap to ask."""

    def __init__(self, control: CallControl, keep_s: float = 1.0) -> None:
        self._control = control
        self._keep_s = keep_s
        self._until = float("-inf")
        self._components: list[ComponentHealth] = []

    async def components(self) -> list[ComponentHealth]:
        if time.monotonic() >= self._until:
            self._components = await self._control.health()
            self._until = time.monotonic() + self._keep_s
        return self._components


class MessageCache:
    """Masks each live entry once, however many pages read it."""

    def __init__(self, capacity: int = 1024) -> None:
        self._capacity = capacity
        self._masked: OrderedDict[str, str] = OrderedDict()

    def message(self, item: LiveItem, *, clear: bool) -> str:
        """Return the event as JSON: call, kind, data."""
        if clear:
            return _message(item, json.loads(item.data))
        if item.id not in self._masked:
            self._masked[item.id] = _message(item, masked(json.loads(item.data)))
            while len(self._masked) > self._capacity:
                self._masked.popitem(last=False)
        return self._masked[item.id]


def _message(item: LiveItem, data: Any) -> str:
    return json.dumps({"call": item.call_id, "kind": item.kind, "data": data}, ensure_ascii=False)
