"""What happens in each of the calls: one short scene each, as people would do it.

An operator who hangs up within three seconds after a target gave nobody may not know that yet: the
caller goes to the queue. So it is the caller who ends such calls here.
"""

from collections.abc import Awaitable, Callable

from gateway.lab.leg_check.cast import RINGS, TALK_S, One
from gateway.lab.phones.incoming import IncomingPolicy
from gateway.lab.scene import BUSY, DECLINE, OFFICER_HZ

Play = Callable[[One], Awaitable[None]]
WAITS_S = 2.0
SEATS = 5
"""Of each centre. Where one refuses, the queue asks as often as it has seats, once a second."""


async def answered(one: One) -> None:
    await one.begin()
    await one.over(one.operator)


async def caller_leaves(one: One) -> None:
    await one.begin()
    await one.over(one.citizen)


async def waits_in_queue(one: One) -> None:
    one.let(one.home, IncomingPolicy.answer(WAITS_S))
    await one.begin()
    await one.over(one.citizen)


async def abandoned(one: One) -> None:
    one.let(one.home, RINGS)
    await one.dial()
    await one.cast.rings(one.home, one.number)
    await one.talk(WAITS_S)
    await one.citizen.hang_up()


async def transferred(one: One) -> None:
    """Operators leave by themselves, are let go, or have gone with the key: as the link says."""
    await one.begin()
    await one.meets()
    if one.cast.town.plan.release == "talk":
        await one.operator.hang_up()
    await one.talk()
    await one.over(one.citizen)


async def target_leaves_last(one: One) -> None:
    await one.begin()
    await one.meets()
    if one.cast.town.plan.release == "talk":
        await one.operator.hang_up()
    await one.talk()
    await one.over(one.officer)


async def no_answer(one: One) -> None:
    await one.begin()
    ringing = await one.ringing()
    await ringing.until("ended", 10)
    if one.cast.town.plan.release == "at_once":
        one.operator = await one.up(one.home)
    await one.talk()
    await one.over(one.citizen)


async def _refused(one: One, policy: IncomingPolicy) -> None:
    await one.begin()
    one.let(one.away, policy)
    await one.asks()
    await one.cast.rings(one.away, one.number)
    await one.talk(SEATS + WAITS_S)
    await one.over(one.citizen)


async def busy(one: One) -> None:
    await _refused(one, BUSY)


async def declined(one: One) -> None:
    await _refused(one, DECLINE)


async def operator_leaves_ringing(one: One) -> None:
    await one.begin()
    ringing = await one.ringing()
    await one.operator.hang_up()
    await one.talk()
    await ringing.answer()
    await one.talk()
    await one.over(one.citizen)


async def operator_leaves_in_vain(one: One) -> None:
    await one.begin()
    ringing = await one.ringing()
    await one.operator.hang_up()
    await ringing.until("ended", 10)
    one.operator = await one.up(one.home)
    await one.talk()
    await one.over(one.citizen)


async def gives_up_ringing(one: One) -> None:
    """The caller goes while the target rings: a call-back task."""
    await one.begin()
    ringing = await one.ringing()
    await one.talk()
    await one.citizen.hang_up()
    await ringing.until("ended", 10)


async def gives_up_in_queue_again(one: One) -> None:
    """The target gave nobody, the operator has gone, and so does the caller: a call-back task."""
    await one.begin()
    ringing = await one.ringing()
    await one.operator.hang_up()
    one.let(one.home, RINGS)
    await ringing.until("ended", 10)
    await one.cast.rings(one.home, one.number)
    await one.talk(WAITS_S)
    await one.citizen.hang_up()


async def taken_back(one: One) -> None:
    await one.begin()
    ringing = await one.ringing()
    await one.asks("*0")
    await ringing.until("ended", 10)
    await one.talk()
    await one.over(one.citizen)


async def three_way(one: One) -> None:
    await one.begin()
    await one.meets("*3")
    await one.officer.hang_up()
    await one.talk()
    await one.over(one.citizen)


async def three_way_without_caller(one: One) -> None:
    await one.begin()
    await one.meets("*3")
    await one.citizen.hang_up()
    await one.talk()
    await one.operator.hang_up()
    await one.officer.until("ended", 10)


async def four(one: One) -> None:
    """And the last who came in is let go again."""
    await one.begin()
    await one.meets("*3")
    fireman = await one.line()
    await one.asks("*6")
    await fireman.until("ended", 10)
    await one.operator.hang_up()
    await one.talk()
    await one.over(one.citizen)


async def consults_and_joins(one: One) -> None:
    await one.begin()
    await one.meets(f"*7{one.away}")
    await one.asks("*3")
    await one.talk()
    await one.operator.hang_up()
    await one.talk()
    await one.over(one.citizen)


async def consults_and_returns(one: One) -> None:
    await one.begin()
    await one.meets(f"*7{one.away}")
    await one.asks("*0")
    await one.officer.until("ended", 10)
    await one.talk()
    await one.over(one.citizen)


async def consults_and_hands_over(one: One) -> None:
    await one.begin()
    await one.meets(f"*7{one.away}")
    await one.asks("*9")
    await one.operator.until("ended", 10)
    await one.talk()
    await one.over(one.citizen)


async def consults_and_hangs_up(one: One) -> None:
    await one.begin()
    await one.meets(f"*7{one.away}")
    one.officer.tone(OFFICER_HZ)
    await one.operator.hang_up()
    # Until the two are together an officer who leaves has only not taken the caller.
    await one.citizen.heard.until_hears(OFFICER_HZ, timeout_s=15.0)
    await one.talk()
    await one.over(one.officer)


async def consults_nobody(one: One) -> None:
    await one.begin()
    ringing = await one.ringing(f"*7{one.away}")
    await ringing.until("ended", 10)
    await one.talk()
    await one.over(one.citizen)


async def on_hold(one: One) -> None:
    await one.begin()
    await one.operator.hold()
    await one.talk(2 * TALK_S)
    await one.operator.hold(on=False)
    await one.talk()
    await one.over(one.citizen)


async def on_hold_in_the_room(one: One) -> None:
    """The target's person puts the three on hold, and the operator leaves meanwhile."""
    await one.begin()
    await one.meets("*3")
    await one.officer.hold()
    await one.talk()
    await one.operator.hang_up()
    await one.talk()
    await one.officer.hold(on=False)
    await one.talk()
    await one.over(one.citizen)


async def caller_holds(one: One) -> None:
    await one.begin()
    await one.citizen.hold()
    await one.talk()
    await one.citizen.hold(on=False)
    await one.talk()
    await one.over(one.operator)


async def by_the_phones_own_key(one: One) -> None:
    """The phone's Transfer key (REFER, blind)."""
    await one.begin()
    await one.operator.refer(one.away)
    await one.operator.hang_up()
    one.officer = await one.up(one.away)
    await one.talk()
    await one.over(one.citizen)


async def without_gateway(one: One) -> None:
    """The gateway is stopped when the key is pressed, and back before the end."""
    await one.begin()
    await one.cast.town.stop_gateway()
    await one.talk(4.5)
    await one.meets()
    await one.cast.town.start_gateway()
    await one.talk()
    await one.operator.hang_up()
    await one.talk()
    await one.over(one.citizen)


BY_MODE: dict[str, tuple[Play, ...]] = {
    "talk": (
        answered, caller_leaves, waits_in_queue, abandoned, transferred, no_answer, busy,
        operator_leaves_ringing, operator_leaves_in_vain, gives_up_ringing, taken_back, three_way,
        three_way_without_caller, four, consults_and_joins, on_hold, on_hold_in_the_room,
        by_the_phones_own_key,
    ),
    "answered": (
        transferred, target_leaves_last, declined, consults_and_returns, consults_and_hands_over,
        consults_and_hangs_up, consults_nobody, caller_holds,
    ),
    "at_once": (transferred, no_answer, gives_up_in_queue_again),
    "native": (without_gateway,),
}  # fmt: skip
"""By what the links say of releasing the operator; native: nobody else's gateway is stopped."""
