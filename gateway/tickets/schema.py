"""The ticket's JSON Schema: ``python -m gateway.tickets.schema > docs/ticket.schema.json``."""

import json
from typing import Any

from gateway.tickets.model import SCHEMA_URI, Ticket


def ticket_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a ticket as it is sent."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_URI,
        **Ticket.model_json_schema(mode="serialization"),
    }


def schema_text() -> str:
    """Return the schema as it is committed."""
    return json.dumps(ticket_schema(), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")  # noqa: T201
