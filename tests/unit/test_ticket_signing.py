"""The signed event, read back by the reference implementation."""

import json
from datetime import timedelta, timezone

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from gateway.clock import now
from gateway.errors import ConfigError
from gateway.tickets.sample import sample_ticket
from gateway.tickets.signing import Signer, cloud_event, webhook_id

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def given_event():
    document = sample_ticket().model_dump(mode="json")
    return cloud_event(webhook_id(document["ticket_id"], document["revision"]), document)


def test_event_is_a_cloud_event():
    event = json.loads(given_event())
    ticket = sample_ticket()
    assert event | {"data": None} == {
        "specversion": "1.0",
        "id": f"msg_{ticket.ticket_id}_r2",
        "type": "cn.liandong.ticket.final.v1",
        "source": "/liandong/siyang",
        "subject": ticket.ticket_id,
        "time": "2026-03-02T01:31:00.200000Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:liandong:schema:ticket:1.2",
        "data": None,
    }
    assert event["data"]["ticket_id"] == ticket.ticket_id


def test_same_bytes_at_every_attempt():
    assert given_event() == given_event()


@pytest.mark.parametrize("hours", [0, 8])
def test_signature_is_verified_whatever_the_clocks_offset(hours):
    body = given_event()
    at = now().astimezone(timezone(timedelta(hours=hours)))
    headers = Signer(SECRET).headers("msg_1", at, body)
    assert Webhook(SECRET).verify(body, headers) == json.loads(body)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda body, headers: (body.replace(b"110", b"119"), headers),
        lambda body, headers: (body, headers | {"webhook-id": "msg_2"}),
        lambda body, headers: (
            body,
            headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)},
        ),
    ],
)
def test_tampering_shows(tamper):
    body = given_event()
    body, headers = tamper(body, Signer(SECRET).headers("msg_1", now(), body))
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body, headers)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_a"])
def test_unusable_secret_names_the_setting(secret):
    with pytest.raises(ConfigError, match=r"orders\.secret"):
        Signer(secret)
