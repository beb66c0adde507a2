"""How each outcome is brought about: one short scene each, as people would do it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

from gateway.errors import LabError, PhoneError
from gateway.lab.matrix.play import Play
from gateway.lab.matrix.table import THIRD, Row
from gateway.lab.scene import RING_FOREVER
from gateway.lab.witness import Witness

Act = Callable[[Play], Awaitable[None]]


async def _answered(play: Play) -> None:
    await play.ask_and_answer()


async def _no_answer(play: Play) -> None:
    await play.let_next_answer()
    await play.ask_and_ring()
    await _next_if_alone(play)


async def _next_if_alone(play: Play) -> None:
    """A caller whose operator has gone comes to the next one of the queue."""
    if play.alone:
        await play.next_has_caller()


async def _refused(play: Play, status: str) -> None:
    await play.let_next_answer()
    await play.refuse(status)
    await play.ask()
    await _next_if_alone(play)


async def _trunk_down(play: Play) -> None:
    await play.let_next_answer()
    await play.trunk_goes_down()
    await play.ask()
    await _next_if_alone(play)


async def _early(play: Play) -> None:
    """The target's leg is in the room while its person's phone only rings; then they answer."""
    mute = play.by_rest and play.scene.town.second is not None
    if mute:
        await play.mute_the_second_switch()
    ringing = await play.ask_and_ring()
    await play.scene.witness.until(partial(_target_joined, play), "the target's PBX answered")
    if play.scene.operator.ended and not play.alone:
        raise LabError("the operator was let go although nobody had answered")
    await play.answers(ringing)
    if mute:
        await ringing.press("1")


def _target_joined(play: Play, seen: Witness) -> bool:
    legs = (event.get("Channel") for event in seen.named("ConfbridgeJoin", play.scene.since))
    return any(leg.startswith(f"Local/{play.row.target}@") for leg in legs)


async def _target_leaves_ringing(play: Play) -> None:
    await play.let_next_answer()
    ringing = await play.ask_and_ring()
    ringing.reject(603)
    await _next_if_alone(play)


async def _target_leaves_briefing(play: Play) -> None:
    await play.let_next_answer()
    ringing = await play.ask_and_ring()
    await ringing.answer()
    await ringing.hang_up()
    if play.alone:
        await play.next_has_caller_or_call_is_over()


async def _target_leaves_three_way(play: Play) -> None:
    ringing = await play.ask_and_answer()
    await ringing.hang_up()


async def _operator_leaves_ringing(play: Play) -> None:
    ringing = await play.ask_and_ring()
    await play.scene.operator.hang_up()
    if play.row.verb != "119":
        await play.caller_is_not_in_silence()
    await play.answers(ringing)


async def _operator_leaves_in_vain(play: Play) -> None:
    await play.ask_and_ring()
    await play.let_next_answer()
    await play.scene.operator.hang_up()
    await play.caller_is_not_in_silence()
    await play.next_has_caller()


async def _operator_leaves_three_way(play: Play) -> None:
    await play.ask_and_answer()
    await play.scene.operator.hang_up()


async def _caller_leaves_ringing(play: Play) -> None:
    ringing = await play.ask_and_ring()
    await play.scene.citizen.hang_up()
    if play.row.verb != "REFER":
        await ringing.until("ended")


async def _caller_leaves_three_way(play: Play) -> None:
    await play.ask_and_answer()
    await play.scene.citizen.hang_up()


async def _two_keys(play: Play) -> None:
    if play.row.verb == "release":
        await play.three_talk()
        with contextlib.suppress(PhoneError):  # the first key may take the operator away
            await play.scene.operator.press("*9*0", tone_ms=80, gap_ms=60)
        return
    await _twice(play, "three-way" if play.row.verb != "three-way" else "transfer")


async def _twice(play: Play, second: str) -> None:
    """Two orders on each other's heels; one target rings, once, and answers."""
    play.let_target_answer(1.0)
    if play.by_rest:
        await asyncio.gather(play.ask(), play.ask(f"{second.removesuffix(' REST')} REST"))
    else:
        await play.ask()
        await _pressed_again(play, second)
    await play.target_is_up()


async def _pressed_again(play: Play, verb: str) -> None:
    """Press while the first key may take the operator away."""
    with contextlib.suppress(PhoneError):
        await play.ask(verb)


async def _key_twice(play: Play) -> None:
    if play.row.verb.startswith(("back", "release", "drop")):
        await play.three_talk()
        await play.ask()
        await _pressed_again(play, play.row.verb)
        return
    await _twice(play, play.row.verb)


async def _both_press(play: Play) -> None:
    """Operator and officer press at the same time."""
    if play.row.verb == "119":
        play.let_target_answer(0.5)
        await asyncio.gather(play.ask(), play.scene.officer.press("*119"))
        await play.target_is_up()
        return
    if play.row.verb == "release":
        await play.three_talk()
    else:
        await play.ask_and_answer()
    await asyncio.gather(play.scene.operator.press("*9"), play.calls["T"].press("*0"))


async def _third_hand_over(play: Play) -> None:
    """There and back again; then the key rings nobody, and its operator is told why."""
    await play.ask_and_answer()
    await play.scene.operator.until("ended")
    await play.comes_back()
    await play.asks_a_third_time()


async def _attended(play: Play) -> None:
    """The operator has called the other centre by phone, and connects the two."""
    await play.calls_there_by_phone()
    await play.connects_the_two()


async def _attended_then_caller_leaves(play: Play) -> None:
    await _attended(play)
    await play.scene.citizen.hang_up()


async def _while_ringing(play: Play) -> None:
    """The verb is meant for a target that rings: the three-way key has been pressed."""
    play.scene.phones[play.target_at].on_invite = RING_FOREVER
    await play.ask("three-way")
    ringing = await play.rung()
    await play.ask()
    await ringing.until("ended")


async def _in_consultation(play: Play) -> None:
    await play.two_consult()
    await play.ask()


async def _in_four_way(play: Play) -> None:
    await play.four_talk()
    await play.ask()


async def _in_three_way(play: Play) -> None:
    await play.three_talk()
    await play.ask()


ACTS: dict[str, Act] = {
    "answered": _answered,
    "no answer": _no_answer,
    "busy 486": partial(_refused, status="486"),
    "not found 404": partial(_refused, status="404"),
    "unavailable 503": partial(_refused, status="503"),
    "declined 603": partial(_refused, status="603"),
    "trunk down": _trunk_down,
    "early answer": _early,
    "target leaves ringing": _target_leaves_ringing,
    "target leaves briefing": _target_leaves_briefing,
    "target leaves three-way": _target_leaves_three_way,
    "operator leaves ringing": _operator_leaves_ringing,
    "operator leaves in vain": _operator_leaves_in_vain,
    "operator leaves three-way": _operator_leaves_three_way,
    "caller leaves ringing": _caller_leaves_ringing,
    "caller leaves three-way": _caller_leaves_three_way,
    "two keys at once": _two_keys,
    "key twice": _key_twice,
    "both press": _both_press,
    "ringing": _while_ringing,
    "three-way": _in_three_way,
    "consulting": _in_consultation,
    "four-way": _in_four_way,
    THIRD: _third_hand_over,
}
"""Outcome: what people do; the caller and the operator talk already."""
_ATTENDED: dict[str, Act] = {
    "answered": _attended,
    "caller leaves three-way": _attended_then_caller_leaves,
}
"""The same where the phone does it all."""


def act_of(row: Row) -> Act:
    """What people do in this row."""
    return (_ATTENDED if row.verb == "attended REFER" else ACTS)[row.outcome]
