"""Towns and phones for the end-to-end tests: real Asterisk, Redis, gateway, order system."""

from collections.abc import AsyncIterator, Generator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from gateway.lab.scene import Scene, open_scene
from gateway.lab.town import Town, TownPlan, town

RING_S = 3.0
_LOG_LINES = 60


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A call that fails shows what the gateway has said: the town is gone once anybody looks."""
    report = yield
    funcargs: dict[str, object] = getattr(item, "funcargs", {})
    if report.failed:
        for town in (one for one in funcargs.values() if isinstance(one, Town)):
            if town.gateway is not None:
                report.sections.append(("The gateway's log", town.gateway.tail(_LOG_LINES)))
    return report


class Towns:
    """The town that stands: one at a time, since each takes its share of the machine."""

    def __init__(self) -> None:
        self._plan: TownPlan | None = None
        self._town: Town | None = None
        self._stack = AsyncExitStack()

    async def like(self, plan: TownPlan) -> Town:
        """The town built after `plan`, the one that stands if it is; tests come sorted by town."""
        if self._town is None or plan != self._plan:
            await self.close()
            self._town = await self._stack.enter_async_context(town(plan))
            self._plan = plan
        return self._town

    async def close(self) -> None:
        self._town = None
        await self._stack.aclose()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def towns() -> AsyncIterator[Towns]:
    towns = Towns()
    yield towns
    await towns.close()


@pytest_asyncio.fixture(loop_scope="session")
async def talk_town(towns: Towns) -> Town:
    """The operator stays until they hang up."""
    return await towns.like(TownPlan(release="talk", ring_s=RING_S))


@pytest_asyncio.fixture(loop_scope="session")
async def release_town(towns: Towns) -> Town:
    """The operator is released once the person at the target has answered."""
    return await towns.like(TownPlan(release="answered", ring_s=RING_S))


@pytest_asyncio.fixture(loop_scope="session")
async def early_town(towns: Towns) -> Town:
    """The target's PBX answers before its agents do."""
    plan = TownPlan(release="answered", ring_s=RING_S, target_context="lab-early-target")
    return await towns.like(plan)


@pytest_asyncio.fixture(loop_scope="session")
async def at_once_town(towns: Towns) -> Town:
    """The operator is free with the key."""
    return await towns.like(TownPlan(release="at_once", ring_s=RING_S))


@pytest_asyncio.fixture(loop_scope="session")
async def fire_town(towns: Towns) -> Town:
    """The operator is released once 110 has answered; 119 can be brought in: phone 2002."""
    plan = TownPlan(release="answered", brief_s=30, ring_s=RING_S, fire="PJSIP/2002")
    return await towns.like(plan)


@pytest_asyncio.fixture(loop_scope="session")
async def hunt_town(towns: Towns) -> Town:
    """Where 110's queue gives nobody, a phone that is nowhere is rung, then 2002."""
    plan = TownPlan(release="answered", ring_s=RING_S, hunt=("PJSIP/9999", "PJSIP/2002"))
    return await towns.like(plan)


@pytest_asyncio.fixture(loop_scope="session")
async def stage() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="session")
async def talk(talk_town: Town, stage: AsyncExitStack) -> Scene:
    return await stage.enter_async_context(open_scene(talk_town))


@pytest_asyncio.fixture(loop_scope="session")
async def release(release_town: Town, stage: AsyncExitStack) -> Scene:
    return await stage.enter_async_context(open_scene(release_town))


@pytest_asyncio.fixture(loop_scope="session")
async def at_once(at_once_town: Town, stage: AsyncExitStack) -> Scene:
    return await stage.enter_async_context(open_scene(at_once_town))


@pytest_asyncio.fixture(loop_scope="session")
async def fire(fire_town: Town, stage: AsyncExitStack) -> Scene:
    return await stage.enter_async_context(open_scene(fire_town))


@pytest_asyncio.fixture(loop_scope="session")
async def hunt(hunt_town: Town, stage: AsyncExitStack) -> Scene:
    return await stage.enter_async_context(open_scene(hunt_town))


@pytest_asyncio.fixture(loop_scope="session")
async def early(early_town: Town, stage: AsyncExitStack) -> Scene:
    return await stage.enter_async_context(open_scene(early_town))
