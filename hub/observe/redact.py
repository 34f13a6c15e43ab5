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


_WORD = re.compile(
    r"""[("'‹]?(?:[a-z][a-z0-9_'-]{0,39}|/[A-Za-z0-9_/@.-]{0,160}|[0-9]{1,4}(?:\.[0-9]{1,3})?|‹masked›
    |HTTP|HTTPS|JSON|LGSP|NDXP|SOAP|TLS|WSDL|XML|[A-Z][A-Za-z]{0,40}(?:Error|Exception))[)"'›]?[.,:;]?""",
    re.VERBOSE,
)


def words(value: str) -> str:
    """A reason as it may be shown and logged: plain lower-case words, places and small numbers. All else is masked, since a
    name cannot be told from other words that have capitals or letters with marks."""
    return " ".join(one if _WORD.fullmatch(one) else MASK for one in text(value).split())
