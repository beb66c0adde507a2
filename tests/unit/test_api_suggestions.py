"""Advice on texts by REST: an answer or a clear error for whatever is sent, never a crash."""

import asyncio
import json
from pathlib import Path

import pytest
from dispatch_said import engine

from gateway.api.app import create_app
from gateway.dispatch.advisor import Advisor
from gateway.dispatch.begin import MAX_TEXT, Advising
from gateway.dispatch.datafile import packaged
from gateway.errors import ConfigError

SHIPPED = packaged("taxonomy.toml").read_text("utf-8")


@pytest.fixture
def advising(api):
    """Advice that has been read, on the engine that the tests share."""
    advising = Advising(lambda _: None)
    advising._advisor = Advisor(engine(), lambda _: None)
    api.client._transport.app = create_app(
        api.settings, api.control, api.live, api.ledger, advising
    )
    return advising


async def ask(api, body):
    headers = {"Content-Type": "application/json"}
    return await api.ask("POST", "/suggestions", "operator", content=body, headers=headers)


async def test_a_text_is_advised_on(api, advising):
    answer = await ask(api, json.dumps({"text": "众兴镇路灯坏了"}))
    made = answer.json()
    assert (answer.status_code, made["platform"], made["item"]) == (200, "12345", "A1")
    assert made["district"]["code_system"] == "NBS-2023"
    assert "众兴镇路灯坏了"[made["evidence"][0]["start"] :]


@pytest.mark.parametrize(
    "text",
    [
        "the street lamp is broken",
        "🔥🔥",
        "\x00\x07\x1b[31m",
        "ご飯 밥 рис أرز",
        "\u202e\u200b",
        "9" * 999,
        "\ud800路灯坏了",
    ],
    ids=["english", "emoji", "control", "scripts", "invisible", "digits", "surrogate"],
)
async def test_odd_texts_are_answered(api, advising, text):
    answer = await ask(api, json.dumps({"text": text}))
    assert answer.status_code == 200
    assert answer.json()["urgency"] != "emergency"


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        (json.dumps({"text": ""}), 422, "text-refused"),
        (json.dumps({"text": " \t"}), 422, "text-refused"),
        (json.dumps({"text": "路灯坏了" * 90_000}), 422, "text-refused"),
        ('{"text": "路灯"}'.encode("gbk"), 400, "bad-request"),
        ("[]", 422, "invalid-request"),
        ("{", 422, "invalid-request"),
    ],
    ids=["empty", "blank", "1 MB", "gbk", "list", "cut off"],
)
async def test_what_cannot_be_answered_is_a_clear_error(api, advising, body, status, slug):
    answer = await ask(api, body)
    assert (answer.status_code, answer.json()["slug"]) == (status, slug)
    assert "路灯" not in answer.text
    longest = await ask(api, json.dumps({"text": "路" * MAX_TEXT}))
    assert longest.status_code == 200


async def test_before_advice_is_read_the_api_says_so(api):
    app = create_app(api.settings, api.control, api.live, api.ledger, Advising(lambda _: None))
    api.client._transport.app = app
    answer = await ask(api, json.dumps({"text": "路灯坏了"}))
    assert (answer.status_code, answer.json()["slug"]) == (503, "advice-not-ready")
    assert (await api.ask("GET", "/classes", "operator")).json()["version"] == "2022.2"


async def test_lists_that_come_in_force_are_shown_and_broken_ones_are_not(
    api, advising, tmp_path: Path
):
    own = tmp_path / "taxonomy.toml"
    own.write_text(SHIPPED.replace('version = "2022.2"', 'version = "mine.1"'), "utf-8")
    await asyncio.to_thread(advising._advisor.renew, own)
    assert (await api.ask("GET", "/classes", "operator")).json()["version"] == "mine.1"
    own.write_text(SHIPPED.replace('urgency = "urgent"', 'urgency = "soon"', 1), "utf-8")
    with pytest.raises(ConfigError, match=r"taxonomy\.toml:\d+: .*urgent"):
        advising._advisor.renew(own)
    made = (await ask(api, json.dumps({"text": "路灯坏了"}))).json()
    assert "taxonomy mine.1;" in made["version"]
