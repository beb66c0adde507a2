"""Transfers happen once per Idempotency-Key."""

import asyncio

import pytest

from gateway.api.idempotency import Once
from gateway.calls.port import LegalVerb, Verb
from gateway.errors import SwitchTimeout, SwitchUnreachable

CALL = "0197a000-0000-7000-8000-000000000001"
PATH = f"/calls/{CALL}/transfers"


async def order(api, key="k1", target="110", **more):
    headers = {"Idempotency-Key": key} if key is not None else {}
    return await api.ask("POST", PATH, "operator", json={"target": target, **more}, headers=headers)


@pytest.mark.parametrize("key", [None, "", "  "])
async def test_key_is_needed(api, key):
    refused = await order(api, key)
    assert (refused.status_code, refused.json()["slug"]) == (400, "idempotency-key-missing")
    assert api.control.requests == []


async def test_repeat_gets_the_first_answer(api):
    first = await order(api)
    assert first.status_code == 202
    assert first.json()["state"] == "requested"
    again = await order(api)
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(api.control.requests) == 1


async def test_repeat_is_answered_even_when_the_verb_is_no_longer_legal(api):
    first = await order(api)
    api.control.allow(CALL)
    assert (await order(api)).json() == first.json()
    refused = await order(api, "k2")
    assert (refused.status_code, refused.json()["slug"]) == (409, "illegal-verb")


async def test_same_key_for_another_transfer(api):
    await order(api)
    refused = await order(api, target="12345")
    assert (refused.status_code, refused.json()["slug"]) == (422, "idempotency-conflict")
    assert len(api.control.requests) == 1


async def test_keys_of_two_tokens_do_not_meet(api):
    await order(api)
    _, _, asked, _ = api.control.requests[0]
    assert asked.idempotency_key == "wang:k1"


async def test_three_way_is_a_transfer_of_its_kind(api):
    api.control.allow(CALL, LegalVerb(Verb.THREE_WAY, "110", "*3"))
    assert (await order(api, kind="three_way")).json()["kind"] == "three_way"


async def test_unknown_outcome_is_never_tried_again(api):
    api.control.fail["transfer"] = SwitchTimeout("no answer")
    assert (await order(api)).status_code == 504
    api.control.fail.clear()
    assert (await order(api)).status_code == 504
    assert api.control.requests == []


async def test_nothing_was_sent_may_be_tried_again(api):
    api.control.fail["transfer"] = SwitchUnreachable("down")
    assert (await order(api)).status_code == 503
    api.control.fail.clear()
    assert (await order(api)).status_code == 202


@pytest.mark.parametrize("target", ["", "1", "110\r\nX", "a" * 20, "１１０"])
async def test_odd_target(api, target):
    refused = await order(api, target=target)
    assert (refused.status_code, refused.json()["slug"]) == (422, "invalid-request")


async def test_two_at_the_same_time(api):
    going, done = asyncio.Event(), asyncio.Event()
    straight = api.control.transfer

    async def slow(*asked):
        going.set()
        await done.wait()
        return await straight(*asked)

    api.control.transfer = slow
    first = asyncio.create_task(order(api))
    await going.wait()
    second = await order(api)
    assert (second.status_code, second.json()["slug"]) == (409, "still-in-progress")
    done.set()
    assert (await first).status_code == 202
    assert len(api.control.requests) == 1


async def test_answers_are_forgotten_in_time_and_by_number():
    now, done = [0.0], []

    async def act():
        done.append(1)
        return len(done)

    once = Once(capacity=2, lifetime_s=10, clock=lambda: now[0])
    assert [await once.run(key, "", act) for key in ("a", "a", "b", "c", "a")] == [1, 1, 2, 3, 4]
    now[0] = 11
    assert await once.run("a", "", act) == 5


async def test_a_crash_leaves_the_key_free():
    once = Once()

    async def crash():
        raise RuntimeError

    async def act():
        return 1

    with pytest.raises(RuntimeError):
        await once.run("a", "", crash)
    assert await once.run("a", "", act) == 1
