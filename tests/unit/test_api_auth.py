"""Tokens, sessions, forged requests and guessing."""

import pytest

from gateway.api.auth import PAGE_HEADER, Gatekeeper
from gateway.api.limits import FailedAttempts
from gateway.api.sessions import COOKIE, LIFETIME_S, Sessions
from gateway.errors import ConfigError
from gateway.settings import TokenSettings

CALL = "0197a000-0000-7000-8000-000000000001"
PAGE = {PAGE_HEADER: "1"}


async def log_in(api, role="operator"):
    answer = await api.ask("POST", "/session", json={"token": f"{role}-token-0123456789"})
    assert answer.status_code == 201
    return answer


async def test_log_in_gives_a_cookie_that_scripts_and_other_sites_never_see(api):
    answer = await log_in(api)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert answer.json() == {
        "name": "wang",
        "role": "operator",
        "agent": "1001",
        "rights": [
            "callbacks.do",
            "callbacks.read",
            "calls.act",
            "calls.own",
            "numbers.reveal",
            "setup",
            "suggestions",
        ],  # fmt: skip,
    }
    assert (await api.ask("GET", "/calls")).status_code == 200


async def test_cookie_over_https_is_secure(api):
    api.client.base_url = "https://gateway.test"
    assert "secure" in (await log_in(api)).headers["set-cookie"].lower()


async def test_cookie_alone_cannot_change_anything(api):
    await log_in(api)
    refused = await api.ask("POST", f"/calls/{CALL}/back")
    assert (refused.status_code, refused.json()["slug"]) == (403, "cross-site-refused")
    assert api.control.requests == []
    assert (await api.ask("POST", f"/calls/{CALL}/back", headers=PAGE)).status_code == 200


async def test_logged_out_session_is_worthless_even_when_kept(api):
    await log_in(api)
    kept = api.client.cookies[COOKIE]
    assert (await api.ask("DELETE", "/session", headers=PAGE)).status_code == 204
    again = await api.ask("GET", "/session", headers={"Cookie": f"{COOKIE}={kept}"})
    assert again.status_code == 401


@pytest.mark.parametrize("token", ["wrong", "operator-token-012345678", "操作员令牌"])
async def test_wrong_token(api, token):
    refused = await api.ask("POST", "/session", json={"token": token})
    assert (refused.status_code, refused.json()["slug"]) == (401, "not-authenticated")
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert "set-cookie" not in refused.headers


async def guess(api, times):
    for _ in range(times):
        yield await api.ask("GET", "/calls", headers={"Authorization": "Bearer guess"})


async def test_guessing_is_stopped(api):
    assert {answer.status_code async for answer in guess(api, 10)} == {401}
    answer = await api.ask("POST", "/session", json={"token": "another-guess"})
    assert (answer.status_code, answer.json()["slug"]) == (429, "too-many-attempts")
    assert int(answer.headers["retry-after"]) > 0


async def test_guessing_locks_nobody_out_who_has_a_token(api):
    """Behind a reverse proxy everyone has one address."""
    assert {answer.status_code async for answer in guess(api, 30)} == {401, 429}
    await log_in(api)
    machine = {"Authorization": "Bearer system-token-0123456789"}
    assert (await api.ask("GET", "/calls", headers=machine)).status_code == 200


async def test_guessing_does_not_end_open_sessions(api):
    await log_in(api)
    async for _ in guess(api, 10):
        pass
    assert (await api.ask("GET", "/calls")).status_code == 200


def test_failures_are_forgotten_after_the_window():
    now = [0.0]
    attempts = FailedAttempts(limit=2, window_s=60, clock=lambda: now[0])
    attempts.failed("a")
    attempts.failed("a")
    assert attempts.wait_s("a") == 60
    assert attempts.wait_s("b") == 0
    now[0] = 61
    assert attempts.wait_s("a") == 0


def test_only_so_many_addresses_are_remembered():
    attempts = FailedAttempts(limit=1, addresses=2)
    for address in "abc":
        attempts.failed(address)
    assert [attempts.wait_s(address) > 0 for address in "abc"] == [False, True, True]


def test_session_outlives_a_restart_but_not_its_token_nor_its_time():
    now = [1000.0]
    cookie = Sessions({"wang": b"hash"}, clock=lambda: now[0]).open("wang")
    assert Sessions({"wang": b"hash"}, clock=lambda: now[0]).holder(cookie) == "wang"
    assert Sessions({"wang": b"other"}, clock=lambda: now[0]).holder(cookie) is None
    assert Sessions({"zhao": b"hash"}, clock=lambda: now[0]).holder(cookie) is None
    now[0] += LIFETIME_S
    assert Sessions({"wang": b"hash"}, clock=lambda: now[0]).holder(cookie) is None


@pytest.mark.parametrize("at", [0, 5, 9, 20, -1])
def test_tampered_cookie(at):
    sessions = Sessions({"wang": b"hash", "boss": b"other"})
    cookie = sessions.open("wang")
    flipped = "1" if cookie[at] != "1" else "2"
    place = at % len(cookie)
    assert sessions.holder(cookie[:place] + flipped + cookie[place + 1 :]) is None


@pytest.mark.parametrize("cookie", ["", "....", "a.b.c.d", "77616e67.9999999999.x.", "é.1.1.1"])
def test_rubbish_cookie(cookie):
    assert Sessions({"wang": b"hash"}).holder(cookie) is None


@pytest.mark.parametrize("signature", ["é", "签名"])
def test_signature_that_is_no_ascii(signature):
    sessions = Sessions({"wang": b"hash"})
    body = sessions.open("wang").rpartition(".")[0]
    assert sessions.holder(f"{body}.{signature}") is None


async def test_cookie_that_is_no_ascii_is_refused_and_no_failure_of_ours(api):
    await log_in(api)
    body = api.client.cookies[COOKIE].rpartition(".")[0]
    api.client.cookies.clear()
    cookie = f"{COOKIE}={body}.é".encode("latin-1")
    refused = await api.ask("GET", "/session", headers={"Cookie": cookie})
    assert (refused.status_code, refused.json()["slug"]) == (401, "not-authenticated")


def token(name="wang", role="supervisor", secret="x" * 16, agent=""):
    return TokenSettings.model_validate(
        {"name": name, "role": role, "token": secret, "agent": agent}
    )


@pytest.mark.parametrize(
    ("tokens", "says"),
    [
        ([], "api.tokens is empty"),
        ([token(secret="short")], "at least 16 characters"),
        ([token(role="operator")], "needs agent"),
        ([token(), token(secret="y" * 16)], "unique"),
        ([token(), token(name="zhao")], "unique"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(tokens, says):
    with pytest.raises(ConfigError, match=says):
        Gatekeeper(tokens)
