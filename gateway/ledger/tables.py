"""The tables of the record. SQLite and PostgreSQL alike; Alembic makes them (`migrations/`).

`facts` is the record itself, in the order it was told; the tables after it are the same facts laid
out for search. Every table hangs on `calls`, which is filled in whatever order facts arrive.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)
from sqlalchemy.engine import Dialect

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(TypeDecorator[datetime]):
    """A moment. SQLite has no offset to keep, so what goes in and comes out is UTC and aware."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without an offset cannot be stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _id(name: str = "id", *constraints: ForeignKey, **more: Any) -> Column[str]:
    return Column(name, String(128), *constraints, **more)


def _call() -> Column[str]:
    return Column("call_id", String(128), ForeignKey("calls.id"), nullable=False, index=True)


def _word(name: str) -> Column[str]:
    return Column(name, String(64), nullable=False, server_default="")


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


def _ms(name: str, *, nullable: bool = False) -> Column[int]:
    default = None if nullable else "0"
    return Column(name, BigInteger, nullable=nullable, server_default=default)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=false())


def _at(name: str, *, nullable: bool = True, **more: Any) -> Column[datetime]:
    return Column(name, UtcTime, nullable=nullable, **more)


calls = Table(
    "calls",
    metadata,
    _id(primary_key=True),
    _text("room"),
    _word("centre"),
    _text("caller_number"),
    _text("called_number"),
    _text("recording"),
    _word("message_status"),
    _at("started_at", index=True),
    _at("ended_at"),
    _word("end_reason"),
)

facts = Table(
    "facts",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False, unique=True),
    _call(),
    _word("kind"),
    _at("at", nullable=False),
    Column("body", Text, nullable=False),
)

legs = Table(
    "legs",
    metadata,
    _id(primary_key=True),
    _call(),
    _word("role"),
    _text("channel"),
    _text("unique_id"),
    _text("number"),
    _word("centre"),
    _word("agent"),
    _text("agent_name"),
    _text("extension"),
    _at("added_at"),
    _at("answered_at"),
    _at("joined_room_at"),
    _at("ended_at"),
    Column("cause", Integer, nullable=False, server_default="0"),
    _word("ended_by"),
    Index("ix_legs_agent_answered_at", "agent", "answered_at"),
)

# Folded from the facts of calls that have ended (`calls.leg_log`), as `calls.leg_record` has it.
call_log = Table(
    "call_log",
    metadata,
    _id("id", primary_key=True),
    _word("centre"),
    _word("message_status"),
    _at("started_at", nullable=False, index=True),
    _at("answered_at"),
    _at("ended_at", nullable=False),
    _word("outcome"),
    _word("end_reason"),
    *[_ms(name) for name in ("wait_ms", "rewait_ms", "talk_ms", "conference_ms", "hold_ms")],
    Column("returned", Integer, nullable=False, server_default="0"),
    _flag("gave_up"),
    _flag("estimated"),
)

leg_log = Table(
    "leg_log",
    metadata,
    _id(primary_key=True),
    _call(),
    _word("role"),
    _word("centre"),
    _word("agent"),
    _id("transfer_id", nullable=False, server_default=""),
    _at("started_at", nullable=False, index=True),
    _at("answered_at"),
    _at("ended_at", nullable=False),
    _ms("wait_ms", nullable=True),
    _ms("ring_ms", nullable=True),
    *[_ms(name) for name in ("rewait_ms", "talk_ms", "conference_ms", "hold_ms")],
    Column("returns", Integer, nullable=False, server_default="0"),
    _word("how"),
    _flag("estimated"),
)

transfers = Table(
    "transfers",
    metadata,
    _id(primary_key=True),
    _call(),
    _word("kind"),
    _word("source"),
    _word("target"),
    _id("transferor_leg", nullable=False, server_default=""),
    _id("target_leg", nullable=False, server_default=""),
    _word("agent"),
    _word("via"),
    Column("hop", Integer, nullable=False, server_default="0"),
    _word("state"),
    _word("reason"),
    _at("requested_at"),
    _at("changed_at"),
)

transfer_steps = Table(
    "transfer_steps",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _call(),
    _id("transfer_id", nullable=False, index=True),
    _word("state"),
    _word("reason"),
    _at("at", nullable=False),
)

utterances = Table(
    "utterances",
    metadata,
    _id(primary_key=True),
    _call(),
    _id("leg_id", nullable=False),
    Column("start_ms", Integer, nullable=False),
    Column("end_ms", Integer, nullable=False),
    _text("text"),
    _text("text_raw"),
    Column("confidence", Float),
    _text("model"),
    Column("words", JSON, nullable=False),
    _at("at", nullable=False),
)

gaps = Table(
    "gaps",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _call(),
    _id("leg_id", nullable=False),
    Column("start_ms", Integer, nullable=False),
    Column("end_ms", Integer, nullable=False),
    _text("why"),
    _at("at", nullable=False),
)

suggestions = Table(
    "suggestions",
    metadata,
    _id(primary_key=True),
    _call(),
    _word("platform"),
    _word("item"),
    _text("item_name"),
    _word("urgency"),
    Column("confidence", Float, nullable=False),
    Column("evidence", JSON, nullable=False),
    _text("version"),
    _at("at", nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _call(),
    _id("suggestion_id", nullable=False, index=True),
    _word("decision"),
    _word("platform"),
    _word("item"),
    _word("agent"),
    _at("at", nullable=False),
)

# Whom to call back: one row a call, numbered by centre and day (`ledger.callbacks`).
callbacks = Table(
    "callbacks",
    metadata,
    _id("call_id", ForeignKey("calls.id"), primary_key=True),
    Column("number", String(64), nullable=False, unique=True),
    *[_word(name) for name in ("centre", "why", "target")],
    _id("transfer_id", nullable=False, server_default=""),
    _flag("danger"),
    _word("state"),
    _at("due_at", nullable=False),
    _text("taken_by"),
    _at("taken_at"),
    _text("done_by"),
    _at("done_at"),
    _word("outcome"),
    _text("note"),
    Index("ix_callbacks_state_due_at", "state", "due_at"),
)

callback_numbers = Table(
    "callback_numbers",
    metadata,
    Column("centre", String(64), primary_key=True),
    Column("day", String(8), primary_key=True),
    Column("last", Integer, nullable=False),
)

tickets = Table(
    "tickets",
    metadata,
    _id("ticket_id", primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    _call(),
    _word("phase"),
    _word("message_status"),
    Column("digest", String(64), nullable=False),
    Column("body", Text, nullable=False),
    _at("created_at", nullable=False),
    _at("updated_at", nullable=False, index=True),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _id("ticket_id", nullable=False),
    Column("revision", Integer, nullable=False),
    _call(),
    _word("phase"),
    _id("webhook_id", nullable=False, unique=True),
    _word("state"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("replays", Integer, nullable=False, server_default="0"),
    Column("gone", Boolean, nullable=False, server_default=false()),
    _at("due_at", nullable=False),
    _id("lease", nullable=False, server_default=""),
    _at("leased_until"),
    _text("error"),
    _at("created_at", nullable=False),
    _at("settled_at"),
    UniqueConstraint("ticket_id", "revision"),
    Index("ix_outbox_state_due_at", "state", "due_at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("outbox_id", Integer, ForeignKey("outbox.id"), nullable=False, index=True),
    Column("attempt", Integer, nullable=False),
    _at("started_at", nullable=False),
    _at("finished_at", nullable=False),
    Column("status", Integer),
    _text("error"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _at("at", nullable=False),
    _text("actor"),
    _word("action"),
    _text("subject"),
    _text("detail"),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)
