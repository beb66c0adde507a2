"""Counters of call control. No label ever carries an id."""

from prometheus_client import Counter

KEYS_REFUSED = Counter(
    "liandong_keys_refused",
    "Key presses on which nothing was done, by reason: unknown, illegal, no link, late.",
    ["reason"],
)
