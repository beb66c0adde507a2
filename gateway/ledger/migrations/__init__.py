"""Alembic migrations, shipped in the package and run when a ledger is opened.

To change the tables: edit `ledger/tables.py`, add `versions/v000N_what.py` by hand with
`down_revision` naming the last one, and run `tests/unit/test_ledger_migrations.py`, which compares
the migrated database with the tables.
"""
