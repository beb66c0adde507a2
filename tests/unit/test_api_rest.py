"""Tickets, setup, health, metrics, documentation, headers and the stream's own answers."""

import json

import pytest

from gateway.api.app import create_app
from gateway.api.fakes import FakeTicket
from gateway.calls.facts import dump
from gateway.calls.port import ComponentHealth
from gateway.calls.scripts import NUMBER, LinkedCall
from gateway.errors import ConfigError
from gateway.live.item import RESET, LiveItem
from gateway.settings import Settings

CALL = "0197a000-0000-7000-8000-000000000001"


async def test_tickets_page_by_page(api):
    api.ledger.documents = [(FakeTicket(f"T-{n}", CALL), {}) for n in range(5)]
    seen, before = [], None
    while True:
        params = {"limit": 2, **({"before": before} if before else {})}
        page = (await api.ask("GET", "/tickets", "supervisor", params=params)).json()
        seen += [row["id"] for row in page["tickets"]]
        before = page["next_before"]
        if before is None:
            break
    assert seen == ["T-4", "T-3", "T-2", "T-1", "T-0"]


@pytest.mark.parametrize("limit", [0, 201, "many"])
async def test_tickets_limit(api, limit):
    refused = await api.ask("GET", "/tickets", "supervisor", params={"limit": limit})
    assert refused.json()["slug"] == "invalid-request"


async def test_ticket_is_masked_but_its_ids_are_not(api):
    row = FakeTicket("T-9", CALL)
    document = {
        "ticket_id": "01234567-0000-7000-8000-123456789012",
        "created_at": "2026-03-02T09:00:30.123456Z",
        "call": {"caller_number": NUMBER, "recording": f"rec/{CALL}.wav"},
        "transcript": [
            {"text": "电话13812341234", "words": ["一", "三", "八"], "start_ms": 12345678}
        ],
    }
    api.ledger.documents.append((row, document))
    shown = (await api.ask("GET", "/tickets/T-9", "supervisor")).json()["document"]
    assert shown == {
        "ticket_id": "01234567-0000-7000-8000-123456789012",
        "created_at": "2026-03-02T09:00:30.123456Z",
        "call": {"caller_number": "138****1234", "recording": f"rec/{CALL}.wav"},
        "transcript": [{"text": "电话138****1234", "words": [], "start_ms": 12345678}],
    }
    clear = (await api.ask("GET", "/tickets/T-9", "system")).json()["document"]
    assert clear == document
    assert api.ledger.audited == [("orders", "numbers.clear", "T-9", "ticket")]


async def test_no_such_ticket(api):
    refused = await api.ask("GET", "/tickets/none", "supervisor")
    assert (refused.status_code, refused.json()["slug"]) == (404, "ticket-not-found")


async def test_ledger_down(api):
    api.ledger.down = True
    refused = await api.ask("GET", "/tickets", "supervisor")
    assert (refused.status_code, refused.json()["slug"]) == (503, "ledger")


async def test_links_seats_classes(api):
    links = (await api.ask("GET", "/links", "operator")).json()
    assert links["links"][0] == {
        "source": "12345", "target": "110", "key": "*110", "consult_key": "*7110",
    }  # fmt: skip
    assert links["keys"] == {
        "three_way": "*3", "back": "*0", "release": "*9",
        "consult": "*7", "drop": "*6",
    }  # fmt: skip
    (seat,) = (await api.ask("GET", "/seats", "operator")).json()
    assert seat == {"extension": "1001", "centre": "12345", "agent": "1001", "name": "王敏"}
    classes = (await api.ask("GET", "/classes", "operator")).json()["classes"]
    assert {"A1", "A9", "B1", "B8"} <= {entry["id"] for entry in classes}


async def test_health_says_what_is_wrong_only_to_those_who_may_know(api):
    api.control.components = [
        ComponentHealth("switch", ok=True),
        ComponentHealth("speech", ok=False, detail="no worker"),
    ]
    openly = await api.ask("GET", "//healthz")
    assert (openly.status_code, openly.json()) == (503, {"status": "not ok"})
    health = (await api.ask("GET", "/health", "admin")).json()
    assert not health["ok"]
    assert {"name": "speech", "ok": False, "detail": "no worker"} in health["components"]


async def test_open_health_asks_control_at_most_once_a_second(api):
    asked = []
    straight = api.control.health

    async def counted():
        asked.append(1)
        return await straight()

    api.control.health = counted
    for _ in range(5):
        await api.ask("GET", "//healthz")
    assert len(asked) == 1


async def test_metrics_count_dead_tickets(api):
    for name, state in (("T-1", "dead"), ("T-2", "delivered"), ("T-3", "dead")):
        api.ledger.documents.append((FakeTicket(name, CALL, state=state), {}))
    assert "liandong_tickets_dead 2.0" in (await api.ask("GET", "//metrics", "system")).text
    api.ledger.down = True
    answer = await api.ask("GET", "//metrics", "system")
    assert answer.status_code == 200
    assert "liandong_tickets_dead NaN" in answer.text


async def test_metrics(api):
    await api.ask("GET", f"/calls/{CALL}", "supervisor")
    await api.ask("GET", "/calls/other", "supervisor")
    text = (await api.ask("GET", "//metrics", "system")).text
    assert "liandong_calls_live 1.0" in text
    assert 'liandong_legs_live{role="agent"} 2.0' in text
    assert 'liandong_calls_by_transfer{state="three_way"} 1.0' in text
    route = 'liandong_http_requests_total{method="GET",route="/api/v1/calls/{call_id}"'
    assert f'{route},status="200"}} 1.0' in text
    assert f'{route},status="404"}} 1.0' in text
    assert CALL not in text


async def test_documentation_describes_every_route_and_its_errors(api):
    docs = (await api.ask("GET", "/openapi.json", "operator")).json()
    for path, verbs in docs["paths"].items():
        for verb, route in verbs.items():
            assert route["summary"], path
            assert route["description"], path
            if path != "/healthz":
                assert "401" in route["responses"], (verb, path)


async def test_security_headers_everywhere(api):
    for path in ("//console/", "//healthz", "/calls", "//nothing"):
        headers = (await api.ask("GET", path)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    assert (await api.ask("GET", "/calls")).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("", 200),
        ("app.js", 200),
        ("style.css", 200),
        ("__init__.py", 404),
        ("__pycache__", 404),
        ("../api/app.py", 404),
        ("%2e%2e/api/app.py", 404),
    ],
)
async def test_only_the_pages_own_files_are_served(api, path, status):
    assert (await api.ask("GET", f"//console/{path}")).status_code == status


async def test_root_leads_to_the_page(api):
    answer = await api.ask("GET", "//")
    assert (answer.status_code, answer.headers["location"]) == (307, "/console/")


def test_without_tokens_there_is_no_api(api):
    with pytest.raises(ConfigError, match=r"api\.tokens"):
        create_app(Settings(), api.control, api.live, api.ledger)


def events(text):
    """Parse an event stream into (event, id, data)."""
    found = []
    for block in text.replace("\r\n", "\n").strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields.get("event", "message"), fields.get("id"), json.loads(fields["data"])))
    return found


def items(*facts):
    return [
        LiveItem(f"{n}-0", fact.kind, fact.call_id, dump(fact)) for n, fact in enumerate(facts, 1)
    ]


async def test_live_is_masked_and_keeps_ids(api):
    api.live.items = [
        *items(*api.script.answered(), api.script.said(1, f"我是{NUMBER}")),
        LiveItem("9-0", RESET),
    ]
    answer = await api.ask("GET", "/live", "operator")
    found = events(answer.text)
    assert found[0] == ("hello", "0-0", {})
    assert found[-1] == ("reset", "9-0", {})
    assert [(event, event_id) for event, event_id, _ in found[1:3]] == [
        ("message", "1-0"),
        ("message", "2-0"),
    ]
    assert found[1][2]["data"]["caller_number"] == "138****1234"
    assert NUMBER not in answer.text
    assert "PJSIP" not in answer.text


async def test_live_shows_operators_their_own_calls_only(api):
    other = LinkedCall("other")
    api.control.feed(*other.answered(agent="1002", name="赵云"))
    api.live.items = items(
        *api.script.answered(), *other.answered("1002"), *LinkedCall("?").answered()
    )
    for role, calls in (
        ("operator", {CALL}),
        ("colleague", {"other"}),
        ("supervisor", {CALL, "other", "?"}),
    ):
        found = events((await api.ask("GET", "/live", role)).text)
        assert {data["call"] for event, _, data in found if event == "message"} == calls


async def test_live_of_one_call(api):
    api.live.items = items(*api.script.answered(), *LinkedCall("other").answered())
    found = events((await api.ask("GET", "/live", "supervisor", params={"call": "other"})).text)
    assert {data["call"] for event, _, data in found if event == "message"} == {"other"}


async def test_live_resumes_after_the_browsers_last_id(api):
    await api.ask("GET", "/live", "operator", headers={"Last-Event-ID": "5-1"})
    await api.ask("GET", "/live", "operator", params={"after": "6-0"})
    await api.ask("GET", "/live", "operator")
    assert api.live.asked == ["5-1", "6-0", None]


async def test_live_in_the_clear_is_audited(api):
    api.live.items = items(*api.script.answered())
    assert NUMBER in (await api.ask("GET", "/live", "system")).text
    assert api.ledger.audited == [("orders", "numbers.clear", "*", "live stream")]


async def test_live_pages_are_counted_and_bounded(api):
    await api.ask("GET", "/live", "operator")
    services = api.app.state.services
    assert services.live_pages == 0
    services.live_pages = 200
    refused = await api.ask("GET", "/live", "operator")
    assert (refused.status_code, refused.json()["slug"]) == (429, "too-many-attempts")
