"""Every route, every role: one table."""

import pytest
from fastapi.routing import APIRoute

CALL = "0197a000-0000-7000-8000-000000000001"
ROLES = ("", "operator", "colleague", "supervisor", "admin", "system")
DECIDE = {"suggestion_id": f"{CALL}.s1", "decision": "accepted"}
REACHED = {"outcome": "reached"}
LEG = {"leg_id": f"{CALL}.target.1"}
KEY = {"Idempotency-Key": "k1"}

# method, path, extras, then the status by role, in the order of ROLES. The operator's seat is on
# the call; the colleague's is not, and for the colleague the call does not exist.
TABLE = [
    ("GET", "/calls", {}, 401, 200, 200, 200, 403, 200),
    ("GET", f"/calls/{CALL}", {}, 401, 200, 404, 200, 403, 200),
    ("GET", f"/calls/{CALL}/transcript", {}, 401, 200, 404, 200, 403, 200),
    ("GET", f"/calls/{CALL}/suggestion", {}, 401, 200, 404, 200, 403, 200),
    ("POST", f"/calls/{CALL}/suggestion/decision", {"json": DECIDE}, 401, 200, 404, 403, 403, 403),
    ("POST", f"/calls/{CALL}/reveal", {"json": {}}, 401, 200, 404, 200, 403, 403),
    ("GET", f"/calls/{CALL}/verbs", {}, 401, 200, 404, 200, 403, 200),
    (
        "POST",
        f"/calls/{CALL}/transfers",
        {"json": {"target": "110"}, "headers": KEY},
        *(401, 202, 404, 403, 403, 403),
    ),
    ("POST", f"/calls/{CALL}/back", {}, 401, 200, 404, 403, 403, 403),
    ("POST", f"/calls/{CALL}/release", {}, 401, 200, 404, 403, 403, 403),
    ("POST", f"/calls/{CALL}/join", {}, 401, 200, 404, 403, 403, 403),
    ("POST", f"/calls/{CALL}/drop", {"json": LEG}, 401, 200, 404, 403, 403, 403),
    ("POST", f"/calls/{CALL}/danger", {"json": {"danger": True}}, 401, 200, 404, 403, 403, 403),
    ("POST", f"/calls/{CALL}/ownership", {"json": {}}, 401, 200, 404, 403, 403, 403),
    (
        "POST",
        f"/calls/{CALL}/designation",
        {"json": {"centre": "110"}},
        *(401, 403, 403, 200, 403, 403),
    ),
    ("GET", "/callbacks", {}, 401, 200, 200, 200, 403, 200),
    ("POST", "/callbacks/CB-1/take", {}, 401, 404, 404, 404, 403, 403),
    ("POST", "/callbacks/CB-1/done", {"json": REACHED}, 401, 404, 404, 404, 403, 403),
    ("POST", "/callbacks/CB-1/reveal", {"json": {}}, 401, 404, 404, 404, 403, 403),
    ("GET", "/tickets", {}, 401, 403, 403, 200, 200, 200),
    ("GET", "/tickets/T-1", {}, 401, 403, 403, 200, 403, 200),
    ("GET", "/figures", {}, 401, 403, 403, 200, 200, 200),
    ("GET", "/figures/calls", {"params": {"which": "lost"}}, 401, 403, 403, 200, 200, 200),
    ("GET", "/legs", {}, 401, 403, 403, 200, 200, 200),
    ("GET", "/links", {}, 401, 200, 200, 200, 200, 200),
    ("GET", "/seats", {}, 401, 200, 200, 200, 200, 200),
    ("GET", "/classes", {}, 401, 200, 200, 200, 200, 200),
    ("POST", "/suggestions", {"json": {"text": "x"}}, 401, 503, 503, 503, 403, 503),
    ("GET", "/live", {}, 401, 200, 200, 200, 403, 200),
    ("GET", "/health", {}, 401, 403, 403, 200, 200, 200),
    ("GET", "/session", {}, 401, 200, 200, 200, 200, 200),
    ("DELETE", "/session", {}, 401, 204, 204, 204, 204, 204),
    ("GET", "//metrics", {}, 401, 403, 403, 200, 200, 200),
    ("GET", "/openapi.json", {}, 401, 200, 200, 200, 200, 200),
    ("GET", "//healthz", {}, 200, 200, 200, 200, 200, 200),
    ("POST", "/session", {"json": {"token": "supervisor-token-0123456789"}}, *[201] * 6),
]
CASES = [
    pytest.param(method, path, more, role, status, id=f"{method} {path} {role or 'anonymous'}")
    for method, path, more, *statuses in TABLE
    for role, status in zip(ROLES, statuses, strict=True)
]


@pytest.mark.parametrize(("method", "path", "more", "role", "status"), CASES)
async def test_route_by_role(api, method, path, more, role, status):
    answer = await api.ask(method, path, role, **more)
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status


async def test_the_table_has_every_route(api):
    tabled = {(method, path.removeprefix("/")) for method, path, *_ in TABLE}
    tabled = {(m, p if p in ("/metrics", "/healthz") else f"/api/v1/{p}") for m, p in tabled}
    tabled = {(m, p.replace(CALL, "{call_id}").replace("T-1", "{ticket_id}")) for m, p in tabled}
    tabled = {(m, p.replace("CB-1", "{number}")) for m, p in tabled}
    served = {
        (method, path.removesuffix("/") if path != "/" else path)
        for path, methods in routes(api.app)
        for method in methods - {"HEAD"}
    }
    assert served - tabled == {("GET", "/")}
    assert tabled - served == set()


def routes(app):
    """Every (path, methods), included routers too."""
    found = [(r.path, r.methods) for r in app.routes if isinstance(r, APIRoute)]
    documented = app.openapi()["paths"]
    found += [(path, {verb.upper() for verb in verbs}) for path, verbs in documented.items()]
    return found


async def test_only_health_log_in_and_page_are_open(api):
    opened = {
        (method, path)
        for method, path, more, *_ in TABLE
        if (await api.ask(method, path, **more)).status_code < 400
    }
    assert opened == {("GET", "//healthz"), ("POST", "/session")}
