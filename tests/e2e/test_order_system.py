"""The order system is away for a while: tickets wait, arrive in order, and never twice."""

import asyncio
import sys
from typing import Any

import httpx
import pytest

from gateway.lab.scene import Scene, until
from gateway.tickets.signing import webhook_id

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def ask(scene: Scene, method: str, path: str, **body: Any) -> Any:
    """What the order system says."""
    async with httpx.AsyncClient(base_url=scene.town.orders_url, trust_env=False) as client:
        response = await client.request(method, path, json=body or None)
        response.raise_for_status()
        return response.json() if response.content else None


async def receipts(scene: Scene, call_id: str) -> list[dict[str, Any]]:
    """What came to the order system about this call's ticket, in order."""
    ticket_id = await ticket_of(scene, call_id)
    every = await ask(scene, "GET", "/receipts")
    return [one for one in every if ticket_id and ticket_id in one["webhook_id"]]


async def ticket_of(scene: Scene, call_id: str) -> str:
    async with scene.town.client() as client:
        ticket = (await client.get(f"/calls/{call_id}")).json()["ticket"]
    return str(ticket["id"]) if ticket else ""


async def until_ticket(scene: Scene, call_id: str, **wanted: str) -> dict[str, Any]:
    """Wait until the call's ticket is as `wanted` in the gateway's own eyes."""
    found: dict[str, Any] = {}

    async def reached() -> bool:
        async with scene.town.client() as client:
            found.update((await client.get(f"/calls/{call_id}")).json()["ticket"] or {})
        return all(found.get(name) == value for name, value in wanted.items())

    await until(reached, f"ticket {wanted}, was {found}", 20)
    return found


async def a_transferred_call(scene: Scene) -> str:
    """A citizen is handed over to 110 and hangs up; returns the call's id."""
    await scene.given_call()
    await scene.given_three_way()
    await scene.operator.hang_up()
    await scene.until_transfer("completed")
    call_id = str((await scene.view())["id"])
    await scene.citizen.hang_up()
    await scene.ends_clean()
    return call_id


def taken(found: list[dict[str, Any]]) -> list[str]:
    return [one["webhook_id"] for one in found if one["what"] == "taken"]


def every_revision(ticket: dict[str, Any]) -> list[str]:
    return [webhook_id(ticket["id"], number) for number in range(1, ticket["revision"] + 1)]


async def test_down_for_a_while_then_back_in_order_and_once(talk: Scene) -> None:
    await ask(talk, "POST", "/_down", status=503)
    call_id = await a_transferred_call(talk)
    await until_ticket(talk, call_id, phase="final")

    async def refused_twice() -> bool:
        return len(await receipts(talk, call_id)) >= 2

    await until(refused_twice, "attempts at the closed door")
    await ask(talk, "POST", "/_up")
    ticket = await until_ticket(talk, call_id, phase="final", state="delivered")
    found = await receipts(talk, call_id)
    revisions = every_revision(ticket)
    assert taken(found) == revisions
    assert {one["webhook_id"] for one in found if one["what"] == "refused"} == {revisions[0]}
    assert (await ask(talk, "GET", f"/tickets/{ticket['id']}"))["phase"] == "final"


async def test_answer_lost_after_it_was_taken_is_taken_once(talk: Scene) -> None:
    await ask(talk, "POST", "/_down", hold=True)
    await talk.given_call()
    await talk.given_three_way()
    call_id = str((await talk.view())["id"])

    async def held() -> bool:
        tickets = await ask(talk, "GET", "/tickets")
        return any(ticket["call"]["call_id"] == call_id for ticket in tickets)

    await until(held, "the preliminary ticket")
    await talk.town.stop_orders()
    await talk.citizen.hang_up()
    await talk.operator.hang_up()
    await talk.officer.hang_up()
    await until_ticket(talk, call_id, phase="final")
    await talk.town.start_orders()
    ticket = await until_ticket(talk, call_id, phase="final", state="delivered")
    found = await receipts(talk, call_id)
    assert taken(found) == every_revision(ticket)
    await talk.ends_clean()


async def test_dead_letter_is_replayed_by_hand(talk: Scene) -> None:
    await ask(talk, "POST", "/_down", status=400)
    call_id = await a_transferred_call(talk)
    ticket = await until_ticket(talk, call_id, phase="final", state="dead")
    await ask(talk, "POST", "/_up")
    assert taken(await receipts(talk, call_id)) == []
    said = await liandong(talk, "tickets", "replay", "--dead")
    assert ticket["id"] in said
    ticket = await until_ticket(talk, call_id, phase="final", state="delivered")
    found = await receipts(talk, call_id)
    assert taken(found) == every_revision(ticket)
    assert "Nothing to send again." in await liandong(talk, "tickets", "replay", "--dead")


async def liandong(scene: Scene, *words: str) -> str:
    """Run the command with the town's settings; returns what it printed."""
    argv = [sys.executable, "-m", "gateway", *words, "--config", str(scene.town.config)]
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()
