"""Masking of personal data in free text: e-mail addresses, phone numbers, long digit runs (identity, tax, bank).

A second line of defence: the first is that nobody puts a person's value into a log, metric or error. Names cannot be
recognised, so free text is only ever shown where its writer is known to name places, not content.
"""

from __future__ import annotations

import re

MASK = "‹masked›"
_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_PHONE = re.compile(r"(?<![\w.\-])(?:\+?84|0)(?:[ .-]?\d){8,10}(?!\d)")
_DIGITS = re.compile(r"\d{9,}")


def text(value: str) -> str:
    """``value`` with every e-mail address, phone number and run of 9 digits or more replaced by the mask."""
    value = _EMAIL.sub(MASK, value) if "@" in value else value
    return _DIGITS.sub(MASK, _PHONE.sub(MASK, value))
