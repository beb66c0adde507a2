"""The page in a real browser, against the real API and Redis; call control is the fake."""

import contextlib
from contextlib import asynccontextmanager

import pytest_asyncio
from playwright.async_api import async_playwright

from gateway.api.app import create_app
from gateway.api.fakes import FakeLedger
from gateway.api.server import serving
from gateway.calls.facts import dump
from gateway.calls.fakes import FakeCallControl
from gateway.calls.scripts import LinkedCall
from gateway.clock import now
from gateway.ids import new_id
from gateway.lab.redis_lab import RedisLab
from gateway.live.redis import connect
from gateway.live.streams import LivePublisher, RedisLiveReader
from gateway.settings import Settings
from gateway.speech.port import PartialHeard

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS = {
    "centres": [
        {"code": "12345", "name": "政务热线", "queue": "12345"},
        {"code": "110", "name": "公安报警", "queue": "110"},
    ],
    "links": [
        {"source": "12345", "target": "110", "dial": "Local/110@x/n", "key": "*110"},
        {"source": "110", "target": "12345", "dial": "Local/12345@x/n", "key": "*12345"},
    ],
    "seats": [
        {
            "extension": "1001",
            "endpoint": "PJSIP/1001",
            "centre": "12345",
            "agent": "1001",
            "name": "王敏",
        }
    ],
    "api": {
        "tokens": [
            {
                "name": "wang",
                "role": "operator",
                "agent": "1001",
                "token": "operator-token-0123456789",
            },
            {"name": "boss", "role": "supervisor", "token": "supervisor-token-0123456789"},
        ]
    },
}


class Desk:
    """A gateway whose calls are scripted, and a browser page looking at it."""

    def __init__(self, lab, redis, publisher, page):
        self.lab = lab
        self.page = page
        self.ledger = FakeLedger()
        self.control = FakeCallControl(on_fact=self._publish)
        self.publisher = publisher
        self._redis = redis
        self._server = contextlib.AsyncExitStack()
        self.url = ""

    def _publish(self, fact):
        self.publisher.publish(fact.call_id, fact.kind, dump(fact))

    async def start(self):
        """Serve, on the same port as before."""
        await self._server.enter_async_context(self._serving())

    async def stop(self):
        await self._server.aclose()

    @asynccontextmanager
    async def _serving(self):
        settings = Settings.model_validate(SETTINGS)
        app = create_app(settings, self.control, RedisLiveReader(self._redis), self.ledger)
        port = int(self.url.rpartition(":")[2]) if self.url else 0
        async with serving(app, "127.0.0.1", port) as url:
            self.url = url
            yield

    async def log_in(self, role="operator"):
        await self.page.goto(f"{self.url}/console/")
        await self.page.get_by_label("访问令牌").fill(f"{role}-token-0123456789")
        await self.page.get_by_role("button", name="登录").click()
        await self.page.get_by_text("● 实时").wait_for()

    def script(self, caller="13812341234"):
        """A call that starts now; its facts are the caller's to feed."""
        return LinkedCall(new_id(), start=now(), caller=caller)

    def partial(self, script, number, text):
        """Let words of utterance `number` be heard while it is still being said."""
        heard = PartialHeard(
            call_id=script.call_id,
            leg_id=script.caller if number % 2 else script.agent,
            utterance_id=f"{script.call_id}.u{number}",
            start_ms=(4 + 6 * number) * 1000,
            text=text,
        )
        self.publisher.publish(heard.call_id, heard.kind, heard.model_dump_json())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser():
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser):
    """A fresh profile each; an error in a script, or a breach of the CSP, fails the test."""
    errors = []
    context = await browser.new_context(
        viewport={"width": 1280, "height": 800}, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    context.set_default_timeout(10_000)
    page = await context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if breach(said.text) else None)
    yield page
    await context.close()
    assert errors == []


def breach(text):
    return "Content Security Policy" in text or "TrustedHTML" in text


@pytest_asyncio.fixture(loop_scope="module")
async def desk(tmp_path, page):
    lab = await RedisLab.start(tmp_path)
    redis = connect(lab.url)
    async with LivePublisher(redis) as publisher:
        desk = Desk(lab, redis, publisher, page)
        await desk.start()
        yield desk
        await page.goto("about:blank")
        await desk.stop()
    await redis.aclose()
    await lab.stop()
