"""Redis or the ledger is away in the middle of a call: nobody on the line notices."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from gateway.lab.redis_lab import RedisLab
from gateway.lab.scene import CITIZEN_HZ, OFFICER_HZ, OPERATOR_HZ, Scene

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


@contextmanager
def frozen(redis: RedisLab) -> Iterator[None]:
    """Redis takes connections and says nothing: worse than one that is gone."""
    os.killpg(redis.child.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(redis.child.pid, signal.SIGCONT)


@contextmanager
def locked(scene: Scene) -> Iterator[None]:
    """Somebody else holds the SQLite ledger and does not let go."""
    with closing(sqlite3.connect(scene.town.ledger, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


async def all_talk(scene: Scene) -> None:
    await scene.hears(scene.citizen, OPERATOR_HZ, OFFICER_HZ)
    await scene.hears(scene.officer, CITIZEN_HZ, OPERATOR_HZ)


async def handed_over_with_ticket(scene: Scene) -> None:
    """The operator goes, citizen and officer talk on; the order system has it all at the end."""
    call_id = (await scene.view())["id"]
    await scene.operator.hang_up()
    await scene.until_transfer("completed")
    await scene.hears(scene.officer, CITIZEN_HZ)
    await scene.citizen.hang_up()
    ticket = await scene.final_ticket()
    assert ticket["call"]["call_id"] == call_id
    assert len(ticket["legs"]) == 3
    await scene.ends_clean()


async def test_redis_hangs_while_the_key_is_pressed(talk: Scene) -> None:
    await talk.given_call()
    with frozen(talk.town.redis):
        await talk.given_three_way()
        await all_talk(talk)
    await talk.until_transfer("three_way")
    await handed_over_with_ticket(talk)


async def test_redis_dies_and_comes_back_empty(talk: Scene) -> None:
    await talk.given_call()
    await talk.town.stop_redis()
    await talk.given_three_way()
    await all_talk(talk)
    await talk.town.start_redis()
    await talk.until_transfer("three_way")
    await handed_over_with_ticket(talk)


async def test_a_call_that_comes_while_redis_is_away(talk: Scene) -> None:
    await talk.town.stop_redis()
    await talk.given_call()
    await talk.given_three_way()
    await all_talk(talk)
    await talk.town.start_redis()
    await talk.until_transfer("three_way")
    await handed_over_with_ticket(talk)


async def test_the_ledger_is_locked_while_the_key_is_pressed(talk: Scene) -> None:
    await talk.given_call()
    with locked(talk):
        await talk.given_three_way()
        await all_talk(talk)
    await talk.until_transfer("three_way")
    await handed_over_with_ticket(talk)
