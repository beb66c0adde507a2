"""A ticket on the wire: CloudEvents 1.0 (JSON, structured mode) signed by Standard Webhooks.

Sources: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md and
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import binascii
import json
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from gateway.errors import ConfigError
from gateway.tickets.model import SCHEMA_URI

CONTENT_TYPE = "application/cloudevents+json"


def webhook_id(ticket_id: str, revision: int) -> str:
    """Return the id of a revision's message: the same at every attempt and every replay.

    Free of dots, which separate the parts of the signed text.
    """
    return f"msg_{ticket_id}_r{revision}"


def event_type(phase: str) -> str:
    """Return the CloudEvents type for a ticket's phase."""
    return f"cn.liandong.ticket.{phase}.v1"


def cloud_event(message_id: str, ticket: dict[str, Any]) -> bytes:
    """Return the event that carries `ticket`, a ticket's JSON; the same bytes at every attempt."""
    event = {
        "specversion": "1.0",
        "id": message_id,
        "type": event_type(ticket["phase"]),
        "source": f"/liandong/{ticket['platform']}",
        "subject": ticket["ticket_id"],
        "time": ticket["updated_at"],
        "datacontenttype": "application/json",
        "dataschema": SCHEMA_URI,
        "data": ticket,
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


class Signer:
    """Signs with the secret shared with the order system."""

    def __init__(self, secret: str) -> None:
        """Take ``whsec_`` + base64. Raises ConfigError."""
        try:
            self._webhook = Webhook(secret)
        except (EmptyWebhookSecretError, binascii.Error, ValueError) as error:
            raise ConfigError(
                "orders.secret is not a Standard Webhooks secret: give whsec_ followed by base64 "
                "of 24 to 64 random bytes, the same as in the order system"
            ) from error

    def headers(self, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
        """Return the request's headers; `at` is the moment of this attempt."""
        moment = at.astimezone(UTC)
        return {
            "content-type": CONTENT_TYPE,
            "webhook-id": message_id,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": self._webhook.sign(message_id, moment, body.decode()),
        }
