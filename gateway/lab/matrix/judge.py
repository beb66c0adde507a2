"""Whether a row held: what was seen of it against what must come of it. Pure."""

from dataclasses import dataclass, field

from gateway.lab.matrix.expect import Expected, calls_back, expected
from gateway.lab.matrix.table import Row


@dataclass
class Seen:
    """What a call came to. `left` and the values of `hears` are party letters, sorted."""

    state: str = ""
    reason: str = ""
    left: str = ""
    hears: dict[str, str] = field(default_factory=dict)
    """Listener: everyone whose voice is in what they hear."""
    silent: str = ""
    """Who hears nothing at all."""
    rings: int = 0
    """How often the target was rung: once, whatever was pressed."""
    call_back: bool = False
    """A numbered task says that the citizen is to be called back."""
    errors: list[str] = field(default_factory=list)
    """What could not be played, who was dropped, what was left behind."""
    took_s: float = 0.0


def settled(row: Row, seen: Seen) -> bool:
    """Has the call come to what it must, so that there is nothing to wait for?"""
    return not problems(row, seen)


def problems(row: Row, seen: Seen) -> list[str]:
    """Why the row does not hold; empty: it holds."""
    must = expected(row)
    return [
        *seen.errors,
        *_end(must, seen),
        *_audio(_groups(must, seen), seen),
        *_call_back(row, seen),
    ]


def _end(must: Expected, seen: Seen) -> list[str]:
    found = []
    left = must.of(seen.state, seen.reason)
    if not left:
        wanted = " or ".join(sorted({f"{one} {why}".strip() for one, why, _left in must.ends}))
        found.append(f"transfer {seen.state or 'never'} {seen.reason}".strip() + f", not {wanted}")
    elif seen.left not in {_letters(one) for one in left}:
        wanted = " or ".join(one or "nobody" for one in sorted(left))
        found.append(f"{seen.left or 'nobody'} talk, not {wanted}")
    if seen.rings > 1:
        found.append(f"the target was rung {seen.rings} times")
    return found


def _call_back(row: Row, seen: Seen) -> list[str]:
    """Whoever went before a person had answered is called back, and nobody else."""
    if seen.call_back == calls_back(row):
        return []
    return ["nobody is to call back" if calls_back(row) else "a call-back that nobody needs"]


def _letters(left: str) -> str:
    return "".join(sorted(left.replace("|", "")))


def _groups(must: Expected, seen: Seen) -> list[str]:
    """Those who are left, by who must hear whom."""
    alike = [one for one in must.of(seen.state, seen.reason) if _letters(one) == seen.left]
    return (alike[0] if alike else seen.left).split("|")


def _audio(groups: list[str], seen: Seen) -> list[str]:
    found = []
    for listener in seen.left:
        group = next(one for one in groups if listener in one)
        should = set(group) - {listener}
        if not should and listener in seen.silent:
            found.append(f"{listener} hears nothing")
        does = set(seen.hears.get(listener, ""))
        if deaf := "".join(sorted(should - does)):
            found.append(f"{listener} does not hear {deaf}")
        if ghosts := "".join(sorted(does - should)):
            found.append(f"{listener} hears {ghosts}")
    return found
