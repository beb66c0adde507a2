"""What must hold before words or encoder are replaced: together they hear no less danger.

The pair in force and the new one are measured on the same calls by the same rules, so a change of
rules or calls cannot be taken for a change of the model. Nothing here can be switched off.
"""

from collections.abc import Sequence
from pathlib import Path

from gateway.dispatch import concepts, evaluate, model, sense
from gateway.dispatch.context import Context
from gateway.dispatch.corpus import Row
from gateway.dispatch.rules import Rules
from gateway.dispatch.suggest import Dispatcher
from gateway.dispatch.taxonomy import Taxonomy
from gateway.errors import ConfigError


def recall(dispatcher: Dispatcher, rows: Sequence[Row]) -> evaluate.Share:
    """Return how many emergencies of `rows` are heard as such."""
    urgent = [row for row in rows if row.urgency == "emergency"]
    return evaluate.run(dispatcher, urgent).shares["emergency recall"]


def in_force(path: Path, rows: Sequence[Row], lists: Taxonomy, rules: Rules) -> float | None:
    """Return the danger recall (0..1) of the model at `path`, None where there is none.

    One that can no longer be read, since concepts or format have changed, answers with the figure
    it was saved with.
    """
    if not path.exists():
        return None
    try:
        held = model.load(concepts.load(), Context(rules.context), path)
        senses = sense.load(_beside(path))
        return recall(Dispatcher(lists, rules, held, senses=senses), rows).value
    except ConfigError:
        return model.heard(path)


def install(made: model.Model, path: Path, heard: float | None, encoder: Path | None) -> None:
    """Put `made`, and `encoder` if there is a new one, in force: whole files or none."""
    fresh = path.with_suffix(".new")
    model.save(made, fresh, heard)
    if encoder is not None and encoder != path.with_name(_ENCODER):
        beside = path.with_name(_ENCODER + ".new")
        beside.write_bytes(encoder.read_bytes())
        beside.replace(path.with_name(_ENCODER))
    fresh.replace(path)


_ENCODER = "encoder.npz"


def _beside(path: Path) -> Path | None:
    """Return the encoder that goes with the model at `path`; None stands for the shipped one."""
    beside = path.with_name(_ENCODER)
    return beside if beside.exists() else None
