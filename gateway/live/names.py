"""Names of everything the gateway keeps in Redis; nothing there is the record (the ledger is)."""

SPEECH = "ld:speech"
"""Stream, recognition -> control: field `event` holds a SpeechEvent as JSON."""

LIVE = "ld:live"
"""Stream, control -> pages: `call`, `kind`, `data` (a fact or a partial as JSON)."""

DELIVERY = "ld:delivery"
"""Stream, delivery -> control: `event` holds TicketDelivered or TicketFailed as JSON."""

OUTBOX_WAKE = "ld:outbox"
"""Pub/sub channel: something is due in the outbox."""

WORKERS = "ld:worker:*"


def tap(uuid: str) -> str:
    """Key of a tap's grant (TapGrant as JSON; expires; taken once with GETDEL)."""
    return f"ld:tap:{uuid}"


def worker(worker_id: str) -> str:
    """Key of a recognition worker's announcement: {host, port, streams, max_streams}; expires."""
    return f"ld:worker:{worker_id}"
