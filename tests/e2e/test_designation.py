"""To 110, back to 12345: the next time a supervisor says whose call it is."""

import pytest

from gateway.lab.phones.incoming import IncomingCall
from gateway.lab.scene import CITIZEN_HZ, OFFICER_HZ, OPERATOR_HZ, Scene, until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def handed_over(scene: Scene, by: IncomingCall, keys: str, to: str, hz: int) -> IncomingCall:
    """`by` presses the key, `to` answers and has the caller alone."""
    await by.press(keys)
    taken = await scene.next_live_call(to)
    await taken.until("up")
    taken.tone(hz)
    await by.until("ended")
    await scene.hears(scene.citizen, hz)
    return taken


async def test_the_third_hand_over_rings_only_the_designated_centre(release: Scene) -> None:
    await release.given_call()
    officer = await handed_over(release, release.operator, "*110", "2001", OFFICER_HZ)
    operator = await handed_over(release, officer, "*12345", "1001", OPERATOR_HZ)
    release.citizen.tone(None)
    await until(lambda: operator.rms(200) < 50, "a silent citizen")
    await operator.press("*110")
    await until(lambda: operator.rms(200) > 200, "why nothing rings, at the operator's ear")
    view = await release.view()
    assert (view["designation"]["target"], view["designation"]["hop"]) == ("110", 3)
    assert (view["handovers"], release.rings("110")) == (2, 1)
    assert release.citizen.heard.hears_tone(OPERATOR_HZ, min_share=0.3)
    async with release.town.client() as supervisor:
        body = {"centre": "110", "reason": "治安案件"}
        made = await supervisor.post(f"/calls/{view['id']}/designation", json=body)
        assert made.json()["owner"]["how"] == "designated"
    release.citizen.tone(CITIZEN_HZ)
    await handed_over(release, operator, "*110", "2001", OFFICER_HZ)
    assert release.rings("110") == 2
    await release.citizen.hang_up()
    ticket = await release.final_ticket()
    assert ticket["call"]["handovers"] == 3
    assert [one["hop"] for one in ticket["transfers"]] == [1, 2, 3]
    assert (ticket["ownership"]["centre"], ticket["ownership"]["how"]) == ("110", "designated")
    await release.ends_clean()
