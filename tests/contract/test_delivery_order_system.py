"""The lab's order system as the command it is."""

import asyncio
import json
import sys

import httpx

from gateway.clock import now
from gateway.tickets.sample import sample_ticket
from gateway.tickets.signing import Signer, cloud_event, webhook_id

from .delivery_world import PATIENCE_S, SECRET


async def test_command_takes_a_ticket_and_keeps_it_on_disk(tmp_path):
    command = ["-m", "gateway.lab.order_system", "--port", "0", "--secret", SECRET]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, "--out", str(tmp_path / "kept"), stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            line = (await process.stdout.readline()).decode().strip()
        url = line.removeprefix("order system on ")
        document = sample_ticket().model_dump(mode="json")
        name = webhook_id(document["ticket_id"], document["revision"])
        body = cloud_event(name, document)
        async with httpx.AsyncClient(trust_env=False, base_url=url) as client:
            answer = await client.post(
                "/tickets", content=body, headers=Signer(SECRET).headers(name, now(), body)
            )
            [receipt] = (await client.get("/receipts")).json()
    finally:
        process.terminate()
        await process.communicate()
    assert (answer.status_code, answer.json()) == (200, {"result": "taken"})
    assert (receipt["webhook_id"], receipt["what"]) == (name, "taken")
    kept = json.loads((tmp_path / "kept" / f"{name}.json").read_text(encoding="utf-8"))
    assert kept == json.loads(body)
