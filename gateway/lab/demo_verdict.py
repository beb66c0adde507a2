"""What the demo measures in the call it played, and what must be true of it."""

from datetime import datetime
from typing import Any

from gateway.lab.demo_show import Show
from gateway.lab.dialogue import CENTRE_OF


def finals(show: Show) -> list[float | None]:
    """For each spoken turn: end of speech to its last final utterance, in ms; None: there is none.

    An utterance belongs to the turn of its own speaker that it overlaps most.
    """
    last: list[float | None] = [None] * len(show.spoken)
    started = {one.data["call_id"]: one for one in show.listener.of("call.started")}
    speakers = {one.data["leg_id"]: _speaker(one.data) for one in show.listener.of("leg.added")}
    for heard in show.listener.of("utterance.heard"):
        zero = datetime.fromisoformat(started[heard.data["call_id"]].data["at"]).timestamp()
        start, end = (zero + heard.data[key] / 1000 for key in ("start_ms", "end_ms"))
        shared = [
            min(end, one.end) - max(start, one.start)
            if one.turn.speaker == speakers.get(heard.data["leg_id"])
            else 0.0
            for one in show.spoken
        ]
        best = max(range(len(shared)), key=shared.__getitem__, default=0)
        if shared and shared[best] > 0:
            ms = (heard.at - show.spoken[best].end) * 1000
            last[best] = max(ms, last[best] or ms)
    return last


def _speaker(leg: dict[str, Any]) -> str:
    if leg["role"] == "caller":
        return "caller"
    return "operator" if leg["centre"] == "12345" else "officer"


def final_ms(show: Show) -> float | None:
    """The worst of all turns; None when any turn has no final utterance, so none is left out."""
    times = [ms for ms in finals(show) if ms is not None]
    return round(max(times), 1) if times and len(times) == len(show.script.turns) else None


def checks(show: Show, ticket: dict[str, Any]) -> dict[str, bool]:
    """What must be true of the whole path, by name."""
    transcript = ticket["transcript"]
    heard = {(line["role"], line["centre"]) for line in transcript["utterances"]}
    wanted = {
        ("agent", CENTRE_OF[one]) if one in CENTRE_OF else ("caller", None)
        for one in show.script.speakers
    }
    return {
        "every speaker transcribed": heard >= wanted,
        "every turn has its final words": final_ms(show) is not None,
        **_suggestion(show, ticket.get("suggestion") or {}),
        **(_transfer(show, ticket) if show.script.target else {}),
        "recording unbroken": ticket["recording"]["unbroken"] is True,
        "nobody dropped": not show.dropped(),
    }


def _suggestion(show: Show, found: dict[str, Any]) -> dict[str, bool]:
    platform = show.script.expected.platform
    if platform is None:
        return {"nothing urgent suggested": found.get("urgency", "normal") == "normal"}
    shown = found.get("platform") == platform and bool(found.get("evidence"))
    return {f"suggestion is {platform} with evidence": shown}


def _transfer(show: Show, ticket: dict[str, Any]) -> dict[str, bool]:
    steps = ticket["transfers"][0]["steps"] if ticket["transfers"] else []
    queued = [one.data["phase"] for one in show.listener.of("ticket.queued")]
    return {
        "transfer completed": bool(steps) and steps[-1]["state"] == "completed",
        "preliminary ticket came first": queued[:2] == ["preliminary", "final"],
    }
