"""What the demo prints: timeline, transcript, suggestion, ticket, and a JSON object at the end."""

import json
import time
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.json import JSON
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from gateway.lab.town import Town

_NAMES = {("caller", None): "来电人", ("agent", "12345"): "12345", ("agent", "110"): "110"}
EXPECTED = {"transfer_ms": 50, "final_ms": 1000, "ticket_ms": 1000, "callers_dropped": 0}
"""On two shared cores, in milliseconds; shown beside what was measured, no verdict."""


class Report:
    """Prints to a terminal as things happen; `full_ticket` prints the whole JSON."""

    def __init__(self, console: Console | None = None, *, full_ticket: bool = True) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._full_ticket = full_ticket
        self._zero = time.monotonic()

    def starting(self, part: str) -> None:
        self._console.print(f"[dim]{self._clock()}  starting {escape(part)}[/dim]")

    def ready(self, town: "Town") -> None:
        self._console.print(
            f"[dim]{self._clock()}  ready[/dim]  page {town.page_url}  (while the demo runs)"
        )
        self._console.rule("timeline")
        self._zero = time.monotonic()

    def step(self, name: str, text: str) -> None:
        self._console.print(f"{self._clock()}  [bold]{name:<16}[/bold] {escape(text)}")

    def staying(self, town: "Town") -> None:
        self._console.print(f"page stays up at {town.page_url}  (Ctrl-C ends)")

    def account(
        self, ticket: dict[str, Any], measured: dict[str, Any], checks: dict[str, bool]
    ) -> bool:
        """Print what came of it; the last line is one JSON object. Returns whether all is well."""
        self._transcript(ticket)
        self._suggestion(ticket)
        self._ticket(ticket)
        self._checks(checks, measured)
        ok = all(checks.values())
        self._console.print(json.dumps({"ok": ok, **measured}), markup=False)
        return ok

    def failed(self, error: Exception) -> None:
        """The path broke: say where, and end with the same JSON object."""
        self._console.print(
            f"[bold red]demo failed:[/bold red] {escape(str(error) or type(error).__name__)}"
        )
        empty = {"transfer_ms": None, "final_ms": None, "ticket_ms": None, "callers_dropped": None}
        self._console.print(json.dumps({"ok": False, **empty}), markup=False)

    def _clock(self) -> str:
        return f"{time.monotonic() - self._zero:7.2f}s"

    def _transcript(self, ticket: dict[str, Any]) -> None:
        self._console.rule("transcript by speaker")
        for line in ticket["transcript"]["utterances"]:
            speaker = _NAMES.get((line["role"], line["centre"]), line["role"])
            self._console.print(
                f"{line['start_ms'] / 1000:7.2f}s  [bold]{speaker:<6}[/bold] {escape(line['text'])}"
                f"  [dim]{line['confidence'] or 0:.2f}[/dim]"
            )

    def _suggestion(self, ticket: dict[str, Any]) -> None:
        self._console.rule("suggestion")
        suggestion = ticket.get("suggestion")
        if not suggestion:
            self._console.print("none")
            return
        self._console.print(
            f"{suggestion['platform']}  {suggestion['item']} {suggestion['item_name']}  "
            f"{suggestion['urgency']}  {suggestion['confidence']:.2f}  "
            f"[dim]{suggestion['version']}[/dim]"
        )
        texts = {one["utterance_id"]: one["text"] for one in ticket["transcript"]["utterances"]}
        for span in suggestion["evidence"]:
            words = Text("  " + texts.get(span["utterance_id"], span["text"]))
            words.stylize("bold reverse", 2 + span["start"], 2 + span["end"])
            self._console.print(words, f" [dim]{escape(span['why'])}[/dim]")

    def _ticket(self, ticket: dict[str, Any]) -> None:
        self._console.rule("ticket as delivered")
        if self._full_ticket:
            self._console.print(JSON.from_data(ticket, ensure_ascii=False, indent=1))
        else:
            self._console.print(Panel(f"{ticket['ticket_id']} revision {ticket['revision']}"))

    def _checks(self, checks: dict[str, bool], measured: dict[str, Any]) -> None:
        self._console.rule("account")
        table = Table(show_header=True, box=None, pad_edge=False)
        for column in ("what", "result", "expected"):
            table.add_column(column)
        for name, good in checks.items():
            table.add_row(name, "[green]yes[/green]" if good else "[red]NO[/red]", "yes")
        for name, value in measured.items():
            table.add_row(name, str(value), f"≤ {EXPECTED[name]}")
        self._console.print(table)
