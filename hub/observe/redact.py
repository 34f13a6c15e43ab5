"""Masking of personal data in free text: e-mail addresses, phone numbers, long digit runs (identity, tax, bank).

A second line of defence: the first is that nobody puts a person's value into a log, metric or error. Names cannot be
recognised, so free text is only ever shown where its writer is known to name places, not content.
"""

from __future__ import annotations

import re

MASK = "‹masked›"
_ID = re.compile(
    r"(?<![\w.+%@-])[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(?![\w@-])(?!\.\w)"
)  # a UUID: of an arrival, a dossier, a delivery
_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_PHONE = re.compile(r"(?<![\w.\-])(?:\+?84|0)(?:[ .-]?\d){8,10}(?!\d)")
_DIGITS = re.compile(r"\d{9,}")


def text(value: str) -> str:
    """``value`` with every e-mail address, phone number and run of 9 digits or more replaced by the mask; a UUID stays,
    whatever digits it is made of."""
    if len(value) < 36 or not (ids := _ID.findall(value)):
        return _masked(value)
    between = map(_masked, _ID.split(value))
    return next(between) + "".join(one + more for one, more in zip(ids, between, strict=True))


def _masked(value: str) -> str:
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
