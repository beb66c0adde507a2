"""Seats: which operator sits at which phone."""

from collections.abc import Iterable

from gateway.calls.events import Party
from gateway.settings import SeatSettings


class Seats:
    """Finds the operator of a channel: ``PJSIP/1001-0000002a`` -> the seat with ``PJSIP/1001``."""

    def __init__(self, seats: Iterable[SeatSettings]) -> None:
        self._by_endpoint = {
            seat.endpoint: Party(seat.centre, seat.agent, seat.name, seat.extension)
            for seat in seats
        }

    def of_channel(self, channel: str) -> Party:
        """The operator on `channel`; an empty Party for a phone that is no seat."""
        endpoint = channel.rpartition("-")[0]
        return self._by_endpoint.get(endpoint, Party())
