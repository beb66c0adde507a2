"""The committed schema and example are what the model says."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from gateway.tickets.sample import sample_ticket
from gateway.tickets.schema import schema_text, ticket_schema

DOCS = Path(__file__).parents[2] / "docs"


def test_committed_schema_is_the_models():
    committed = (DOCS / "ticket.schema.json").read_text(encoding="utf-8")
    assert committed == schema_text(), (
        "run: python -m gateway.tickets.schema > docs/ticket.schema.json"
    )


def test_committed_example_is_the_sample_ticket():
    committed = json.loads((DOCS / "examples/ticket.json").read_text(encoding="utf-8"))
    assert committed == json.loads(sample_ticket().model_dump_json())


def test_example_is_valid():
    example = json.loads((DOCS / "examples/ticket.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(ticket_schema())
    Draft202012Validator(ticket_schema()).validate(example)


@pytest.mark.parametrize(
    ("field", "value"),
    [("phase", "draft"), ("revision", 0), ("schema_version", "2.0"), ("legs", None)],
)
def test_wrong_ticket_is_refused(field, value):
    example = json.loads(sample_ticket().model_dump_json()) | {field: value}
    with pytest.raises(ValidationError):
        Draft202012Validator(ticket_schema()).validate(example)


def test_receiver_may_meet_fields_it_does_not_know():
    example = json.loads(sample_ticket().model_dump_json()) | {"added_in_1_1": True}
    Draft202012Validator(ticket_schema()).validate(example)


def test_every_field_is_described():
    schema = ticket_schema()
    silent = [
        f"{name}.{field}"
        for name, part in [("Ticket", schema), *schema["$defs"].items()]
        for field, said in part["properties"].items()
        if not (said.get("description") or "$ref" in said)
    ]
    assert silent == []
    assert all("description" in part for part in schema["$defs"].values())
