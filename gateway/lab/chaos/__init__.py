"""Faults at random moments of random transfers: `python -m gateway.lab.chaos`, `make chaos`."""
