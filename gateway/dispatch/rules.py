"""Cue rules as data: what was said, which class it speaks for, and why, in an operator's words.

A cue is a row of slots. ``{a|b}`` in a slot is an alternative; between slots, within a clause,
``*`` is a gap of up to `WIDE` characters and ``~`` of up to `NEAR`: ``路灯*{坏|不亮}``.
"""

import re
from functools import cache
from itertools import product
from math import prod
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.dispatch.datafile import packaged, read
from gateway.dispatch.fold import STOP, fold
from gateway.dispatch.taxonomy import Filled, Taxonomy
from gateway.errors import ConfigError

WIDE = 8
NEAR = 3
_GAP = {"*": WIDE, "~": NEAR}
_GAP_SIGN = re.compile(r"([*~])(?![^{]*\})")
MAX_PER_SLOT = 256

Mark = Literal["denied", "asked", "if", "fear", "quote", "past", "resolved"]
"""What the words around a cue do to it (context.py)."""


class Slot(NamedTuple):
    """`texts` may stand here, at most `gap` characters after the slot before."""

    texts: tuple[str, ...]
    gap: int


@cache
def slots(cue: str) -> tuple[Slot, ...]:
    """Return the slots of a cue; ValueError says what is malformed."""
    pieces = _GAP_SIGN.split(cue)
    gaps = [0, *(_GAP[sign] for sign in pieces[1::2])]
    filled = tuple(Slot(_slot(cue, part), gap) for part, gap in zip(pieces[::2], gaps, strict=True))
    if len(filled) == 1 and (short := [text for text in filled[0].texts if len(text) < 2]):
        raise ValueError(f"cue {cue!r}: {short[0]!r} alone says too little; add a word or a `*`")
    return filled


def _slot(cue: str, part: str) -> tuple[str, ...]:
    pieces = re.split(r"\{([^{}]*)\}", part)
    if any(sign in plain for plain in pieces[::2] for sign in "{}|"):
        raise ValueError(f"cue {cue!r}: braces do not pair; write {{a|b}} and nest none")
    choices = [[piece] if at % 2 == 0 else piece.split("|") for at, piece in enumerate(pieces)]
    if (size := prod(map(len, choices))) > MAX_PER_SLOT:
        raise ValueError(f"cue {cue!r}: a slot of {size} texts; split it (at most {MAX_PER_SLOT})")
    texts = ["".join(choice) for choice in product(*choices)]
    folded = tuple(sorted({fold(text).chars for text in texts}))
    if not all(folded) or any(set(text) & {STOP, "*", "~"} for text in folded):
        raise ValueError(f"cue {cue!r}: a slot may be empty or holds a stop or gap; write words")
    return folded


def _cue(value: str) -> str:
    slots(value)
    return value


Cue = Annotated[str, AfterValidator(_cue)]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(_Data):
    """A group of cues that mean the same."""

    id: Filled
    item: str
    """A class or guidance id of the taxonomy."""
    why: Filled
    """The reason shown beside the highlighted words."""
    weight: Annotated[float, Field(gt=0, le=8)]
    event: bool = False
    """Cues tell of something that happens: negation and tense apply."""
    urgency: Literal["urgent"] | None = None
    """A utility or the police is needed today (danger is for the safety layer)."""
    keeps: tuple[Mark, ...] = ()
    """Marks that do not weaken this rule: fear that someone jumps is no hypothesis."""
    lowers: tuple[str, ...] = ()
    """Classes that lose this rule's weight when it speaks."""
    unless: tuple[Filled, ...] = ()
    """Longer phrases that contain a cue and mean something else."""
    cues: Annotated[tuple[Cue, ...], Field(min_length=1)]


class DangerRule(Rule):
    """A rule of the safety layer."""

    kind: Literal[
        "life", "weapon", "violence", "officials", "fire", "gas", "water", "power",
        "suicide", "child", "missing", "collapse", "poison", "crash", "disaster",
    ]  # fmt: skip
    raises: Literal["urgent", "emergency"]
    lines: tuple[str, ...] = ()
    """Emergency lines to bring in: 119, 120, 122."""
    event: bool = True
    plain: bool = False
    """Said of nothing else: never taken for a figure of speech."""
    lowers: tuple[str, ...] = Field(default=(), max_length=0)
    """Never: a danger that lowered another class could lower its urgency."""


class RuleBook(_Data):
    version: Filled
    rules: Annotated[tuple[Rule, ...], Field(alias="rule")]


class DangerBook(_Data):
    version: Filled
    rules: Annotated[tuple[DangerRule, ...], Field(alias="rule")]


class ContextWords(_Data):
    """Words around a cue that change what it says (context.py has the windows)."""

    version: Filled
    deny: tuple[Filled, ...]
    deny_through: tuple[Filled, ...]
    deny_never: tuple[Filled, ...]
    """Longer words that contain a denying one and deny nothing: 没办法."""
    ask_before: tuple[Filled, ...]
    ask_after: tuple[Filled, ...]
    suppose: tuple[Filled, ...]
    suppose_after: tuple[Filled, ...]
    fear: tuple[Filled, ...]
    fear_never: tuple[Filled, ...]
    quote: tuple[Filled, ...]
    past: tuple[Filled, ...]
    past_after: tuple[Filled, ...]
    present: tuple[Filled, ...]
    resolved: tuple[Filled, ...]
    affirm: tuple[Filled, ...]
    own_words: tuple[Filled, ...]
    """Common words that sound like a cue and are themselves: 大家 (打架)."""


class Rules(_Data):
    """Everything the engine knows beside the taxonomy."""

    cues: RuleBook
    danger: DangerBook
    context: ContextWords

    @property
    def version(self) -> str:
        return f"{self.cues.version}.{self.danger.version}.{self.context.version}"


def load(taxonomy: Taxonomy, directory: Path | None = None) -> Rules:
    """Read `cues.toml`, `danger.toml` and `context.toml` (default: the shipped ones).

    Raises ConfigError naming file, line or entry, and the fix.
    """
    root = directory or packaged("")
    rules = Rules(
        cues=read(root / "cues.toml", RuleBook),
        danger=read(root / "danger.toml", DangerBook),
        context=read(root / "context.toml", ContextWords),
    )
    _check("cues.toml", rules.cues.rules, taxonomy)
    _check("danger.toml", rules.danger.rules, taxonomy)
    return rules


def _check(name: str, rules: tuple[Rule, ...], taxonomy: Taxonomy) -> None:
    seen: set[str] = set()
    for rule in rules:
        where = f"{name}: [[rule]] {rule.id}"
        if rule.id in seen:
            raise ConfigError(f"{where}: id used twice; rename one")
        seen.add(rule.id)
        for class_id in (rule.item, *rule.lowers):
            if not taxonomy.knows(class_id):
                raise ConfigError(
                    f"{where}: {class_id} is not in taxonomy {taxonomy.version}; correct it there"
                )
        for number in rule.lines if isinstance(rule, DangerRule) else ():
            if taxonomy.line(number) is None:
                raise ConfigError(f"{where}: no [[line]] {number} in the taxonomy; add one")
