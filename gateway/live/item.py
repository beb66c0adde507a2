"""What flows to the pages: events of calls, and marks about the stream itself."""

from dataclasses import dataclass

HELLO = "hello"
"""The stream starts here: load a snapshot."""

RESUMED = "resumed"
"""The stream goes on from the id asked for; nothing was missed."""

RESET = "reset"
"""Something was missed: load a snapshot again."""

STALLED = "stalled"
"""Redis cannot be reached; RESUMED or RESET follows when it can."""

MARKS = frozenset({HELLO, RESUMED, RESET, STALLED})


@dataclass(frozen=True, slots=True)
class LiveItem:
    """One entry. `id` is a Redis stream id (empty when STALLED); marks have no call.

    `data` is a fact or a partial as JSON; `kind` repeats the one inside it.
    """

    id: str
    kind: str
    call_id: str = ""
    data: str = "{}"
