"""A ticket for a screen: what a person does not need to see of another is starred (D44)."""

from typing import Any

from gateway.masking import mask_number, mask_text

_NUMBERS = {"number", "caller_number"}
_TEXTS = {"text", "text_raw", "value", "place", "title", "summary"}


def masked(document: Any) -> Any:
    """Return `document` (a ticket's JSON) with citizens' numbers starred, in fields and words."""
    if isinstance(document, list):
        return [masked(item) for item in document]
    if not isinstance(document, dict):
        return document
    return {name: _field(name, value) for name, value in document.items()}


def _field(name: str, value: Any) -> Any:
    if isinstance(value, str) and name in _NUMBERS:
        return mask_number(value)
    if isinstance(value, str) and name in _TEXTS:
        return mask_text(value)
    return masked(value)
