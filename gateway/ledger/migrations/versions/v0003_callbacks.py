"""Whom to call back, and the how-manieth hand-over a transfer was."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _word(name: str, length: int = 64) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), server_default="", nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _at(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.add_column("transfers", sa.Column("hop", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "callbacks",
        sa.Column("call_id", sa.String(length=128), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        *[_word(name) for name in ("centre", "why", "target")],
        _word("transfer_id", 128),
        sa.Column("danger", sa.Boolean(), server_default=sa.false(), nullable=False),
        _word("state"),
        _at("due_at", nullable=False),
        _text("taken_by"),
        _at("taken_at"),
        _text("done_by"),
        _at("done_at"),
        _word("outcome"),
        _text("note"),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_callbacks_call_id")),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_callbacks")),
        sa.UniqueConstraint("number", name=op.f("uq_callbacks_number")),
    )
    op.create_index("ix_callbacks_state_due_at", "callbacks", ["state", "due_at"], unique=False)
    op.create_table(
        "callback_numbers",
        sa.Column("centre", sa.String(length=64), nullable=False),
        sa.Column("day", sa.String(length=8), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("centre", "day", name=op.f("pk_callback_numbers")),
    )


def downgrade() -> None:
    """Tasks and their numbers are lost; the facts that they came of stay."""
    op.drop_table("callback_numbers")
    op.drop_index("ix_callbacks_state_due_at", "callbacks")
    op.drop_table("callbacks")
    op.drop_column("transfers", "hop")
