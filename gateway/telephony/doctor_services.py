"""What the gateway needs beside the PBX: Redis, the ledger, a speech model, the order system."""

import asyncio
from pathlib import Path

import httpx
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import ConfigError, ModelError
from gateway.ledger.engine import make_engine
from gateway.settings import LedgerSettings, OrdersSettings, RedisSettings, SpeechSettings
from gateway.speech.models.home import model_path
from gateway.speech.models.registry import DEMO
from gateway.speech.vosk_engine import check_model
from gateway.telephony.doctor_finding import Finding, fail, ok, warn
from gateway.telephony.doctor_parse import version
from gateway.tickets.signing import Signer

TIMEOUT_S = 5.0
_GETDEL_SINCE = (6, 2, 0)


def check_redis(settings: RedisSettings) -> Finding:
    remedy = "start Redis, or set [redis] url"
    try:
        with Redis.from_url(
            settings.url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        ) as redis:
            text = str(redis.info("server")["redis_version"])
    except (RedisError, ValueError, OSError) as error:
        return fail("Redis", f"{type(error).__name__}: {error}", remedy)
    if (version(text) or (0, 0, 0)) < _GETDEL_SINCE:
        return fail("Redis", f"{text} is too old", "upgrade to 6.2 or later (GETDEL)")
    return ok("Redis", text)


def check_ledger(settings: LedgerSettings) -> Finding:
    try:
        url = make_url(settings.url)
        missing = _missing_sqlite(url.get_backend_name(), url.database)
        if missing is not None:
            return missing
        revision = asyncio.run(_revision(settings.url))
    except (SQLAlchemyError, ConfigError, OSError, TimeoutError) as error:
        detail = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        return fail("ledger", detail, "start the database, or set [ledger] url")
    head = _script().get_current_head()
    if revision == head:
        return ok("ledger", f"schema {revision}")
    return warn(
        "ledger", f"schema {revision or 'empty'}, ours is {head}", "`liandong serve` migrates it"
    )


def _missing_sqlite(backend: str, database: str | None) -> Finding | None:
    # Connecting would create the file: looking must not change anything.
    if backend != "sqlite" or not database or database == ":memory:":
        return None
    path = Path(database)
    if path.exists():
        return None
    if not path.parent.is_dir():
        return fail("ledger", f"no folder {path.parent}", "make it, or set [ledger] url")
    return warn("ledger", f"{path} is not there yet", "`liandong serve` makes it")


async def _revision(url: str) -> str | None:
    def current(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    engine = make_engine(url)
    try:
        async with asyncio.timeout(TIMEOUT_S), engine.connect() as connection:
            return await connection.run_sync(current)
    finally:
        await engine.dispose()


def _script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", "gateway.ledger:migrations")
    return ScriptDirectory.from_config(config)


def check_speech_model(settings: SpeechSettings) -> Finding:
    name, path = "speech model", model_path(settings)
    try:
        check_model(path)
    except ModelError as error:
        what, _, remedy = str(error).partition(". ")
        return fail(name, what, remedy)
    if path.resolve().name == DEMO:
        return warn(
            name,
            f"{path} is the demo model: it knows synthetic voices, not real callers",
            "liandong models pull vosk-model-small-cn-0.22, then liandong models use it",
        )
    return ok(name, str(path))


def check_orders(settings: OrdersSettings) -> Finding:
    name = "order system"
    if not settings.url:
        return warn(name, "no address: tickets stay in the outbox", "set [orders] url and secret")
    try:
        Signer(settings.secret.get_secret_value())
        # Without ambient proxies, as delivery goes.
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
            # Any answer will do: only POST means anything there, and a probe must not post.
            status = client.head(settings.url).status_code
    except ConfigError as error:
        return fail(name, "orders.secret cannot be used", str(error))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        remedy = "start it, or set [orders] url; tickets wait in the outbox until then"
        return fail(name, f"{settings.url}: {type(error).__name__}", remedy)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return warn(name, f"{settings.url} answers {status}", "look at the order system's own log")
    return ok(name, f"{settings.url} answers")
