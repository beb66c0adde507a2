"""Ways in which what a caller said could reach standard error; each run as a process of its own."""

import asyncio
import contextlib
import logging
import sys
import threading

from gateway import log

NUMBER, SAID = "13812341234", "我家地址是众兴镇北京东路"


class Planted(ValueError):
    """Its message quotes a caller."""


def fail():
    try:
        {}[SAID]
    except KeyError as error:
        planted = Planted(f"{NUMBER} {SAID}")
        planted.add_note(NUMBER)
        raise planted from error


def fail_among_others():
    try:
        fail()
    except Planted as error:
        raise ExceptionGroup(SAID, [error]) from None


def ours():
    for failing in (fail, fail_among_others):
        try:
            failing()
        except Exception as error:
            log.get("test").exception("failed")
            log.get("test").error("failed", exc_info=error)
            log.get("test").error("failed", exc_info=sys.exc_info())


def library():
    for failing in (fail, fail_among_others):
        try:
            failing()
        except Exception:
            logging.getLogger("uvicorn.error").exception("Exception in ASGI application")


def task():
    async def main():
        async def work(_text):
            fail()

        lost = asyncio.create_task(work(SAID), name="lost")
        await asyncio.wait([lost])
        del lost
        asyncio.get_running_loop().call_soon(lambda _text: fail(), SAID)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())


def thread():
    log.guard_threads()
    worker = threading.Thread(target=fail, name="worker")
    worker.start()
    worker.join()


def process():
    """A role that dies."""
    from gateway import __main__ as command
    from gateway import app

    app.run_delivery = lambda _settings: fail()
    sys.argv = ["liandong", "deliver"]
    command.main()


def api():
    """A request that fails, under uvicorn as in the control process."""
    import httpx
    from fastapi import FastAPI

    from gateway.api import problems
    from gateway.api.server import serving

    async def main():
        app = FastAPI()
        app.state.services = None
        problems.install(app)
        app.get("/fails")(fail)
        async with serving(app, "127.0.0.1", 0) as url, httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(f"{url}/fails")
            assert answer.status_code == 500
            assert NUMBER not in answer.text

    # Without the application's own streams there are none to close.
    with contextlib.ExitStack() as stack:
        from unittest import mock

        stack.enter_context(mock.patch("gateway.api.server.close_streams"))
        asyncio.run(main())


if __name__ == "__main__":
    log.configure("INFO", json=sys.argv[2:] == ["json"])
    globals()[sys.argv[1]]()
