"""The order system's door: signature, timestamp, schema, duplicates."""

import json
from datetime import timedelta

import httpx
import pytest

from gateway.clock import now
from gateway.tickets.sample import sample_ticket
from gateway.tickets.signing import Signer, cloud_event, webhook_id

from .delivery_world import SECRET, open_world

OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@pytest.fixture
async def orders(tmp_path):
    async with open_world(tmp_path) as world:
        yield world.orders


def given_message(**changes):
    document = sample_ticket().model_dump(mode="json") | changes
    name = webhook_id(document["ticket_id"], document["revision"])
    body = cloud_event(name, document)
    return name, body, Signer(SECRET).headers(name, now(), body)


async def post(orders, body, headers):
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{orders.url}/tickets", content=body, headers=headers)
    return answer.status_code, answer.json()["result"]


async def test_signed_ticket_is_taken_and_shown(orders):
    _, body, headers = given_message()
    assert await post(orders, body, headers) == (200, "taken")
    async with httpx.AsyncClient(trust_env=False, base_url=orders.url) as client:
        listed = (await client.get("/tickets")).json()
        shown = (await client.get(f"/tickets/{sample_ticket().ticket_id}")).json()
        missing = await client.get("/tickets/none")
    assert listed == [shown]
    assert shown == json.loads(body)["data"]
    assert missing.status_code == 404


async def test_tampered_body_is_refused(orders):
    _, body, headers = given_message()
    assert await post(orders, body.replace(b"110", b"119"), headers) == (401, "refused")
    assert orders.store.tickets == {}


async def test_other_secret_is_refused(orders):
    name, body, _ = given_message()
    headers = Signer(OTHER_SECRET).headers(name, now(), body)
    assert await post(orders, body, headers) == (401, "refused")


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_replayed_or_future_timestamp_is_refused(orders, minutes):
    name, body, _ = given_message()
    headers = Signer(SECRET).headers(name, now() + timedelta(minutes=minutes), body)
    assert await post(orders, body, headers) == (401, "refused")


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,%%%"},
        {"webhook-signature": "v1,a"},
        {"webhook-timestamp": "yesterday"},
        {"webhook-id": "msg_other"},
    ],
)
async def test_garbled_headers_are_refused_not_fatal(orders, change):
    _, body, headers = given_message()
    assert await post(orders, body, headers | change) == (401, "refused")


async def test_body_that_is_no_text_is_refused_not_fatal(orders):
    _, _, headers = given_message()
    assert await post(orders, b"\xff\xfe", headers) == (401, "refused")


@pytest.mark.parametrize(
    "changes", [{"phase": "draft"}, {"legs": "none"}, {"schema_version": "9.0"}]
)
async def test_signed_but_not_a_ticket_is_unprocessable(orders, changes):
    _, body, headers = given_message(**changes)
    assert await post(orders, body, headers) == (422, "refused")


async def test_duplicate_is_taken_once(orders):
    _, body, headers = given_message()
    assert await post(orders, body, headers) == (200, "taken")
    assert await post(orders, body, headers) == (200, "duplicate")
    assert len(orders.store.tickets) == 1


async def test_older_revision_does_not_replace_a_newer_one(orders):
    for revision, what in ((3, "taken"), (2, "stale")):
        _, body, headers = given_message(revision=revision)
        assert await post(orders, body, headers) == (200, what)
    assert orders.store.tickets[sample_ticket().ticket_id]["revision"] == 3
