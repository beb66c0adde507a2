"""The leg log: of calls that have ended, how long who waited, talked, conferred and was held."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _shared() -> list[sa.Column[Any]]:
    times = ("rewait_ms", "talk_ms", "conference_ms", "hold_ms")
    return [
        sa.Column("centre", sa.String(length=64), server_default="", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        *[sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in times],
        sa.Column("estimated", sa.Boolean(), server_default=sa.false(), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "call_log",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("message_status", sa.String(length=64), server_default="", nullable=False),
        sa.Column("outcome", sa.String(length=64), server_default="", nullable=False),
        sa.Column("end_reason", sa.String(length=64), server_default="", nullable=False),
        sa.Column("wait_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("returned", sa.Integer(), server_default="0", nullable=False),
        sa.Column("gave_up", sa.Boolean(), server_default=sa.false(), nullable=False),
        *_shared(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_log")),
    )
    op.create_index(op.f("ix_call_log_started_at"), "call_log", ["started_at"], unique=False)
    op.create_table(
        "leg_log",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("call_id", sa.String(length=128), nullable=False),
        sa.Column("role", sa.String(length=64), server_default="", nullable=False),
        sa.Column("agent", sa.String(length=64), server_default="", nullable=False),
        sa.Column("transfer_id", sa.String(length=128), server_default="", nullable=False),
        sa.Column("wait_ms", sa.BigInteger(), nullable=True),
        sa.Column("ring_ms", sa.BigInteger(), nullable=True),
        sa.Column("returns", sa.Integer(), server_default="0", nullable=False),
        sa.Column("how", sa.String(length=64), server_default="", nullable=False),
        *_shared(),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_leg_log_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leg_log")),
    )
    op.create_index(op.f("ix_leg_log_call_id"), "leg_log", ["call_id"], unique=False)
    op.create_index(op.f("ix_leg_log_started_at"), "leg_log", ["started_at"], unique=False)
    op.create_index("ix_legs_agent_answered_at", "legs", ["agent", "answered_at"], unique=False)


def downgrade() -> None:
    """Nothing is lost: the facts stay, and `liandong figures rebuild` folds them again."""
    op.drop_index("ix_legs_agent_answered_at", "legs")
    op.drop_table("leg_log")
    op.drop_table("call_log")
