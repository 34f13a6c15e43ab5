"""What may be kept of a partner's free text, which can quote a person: all that we sent and all that looks personal masked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]++@[\w.-]+")
"""Tried only where a word begins, so that a megabyte without an address takes no longer than reading it."""
_NUMBER = re.compile(r"\d(?:[ .-]?\d){6,}")


def redacted(text: str, told: Iterable[tuple[str, str]] = ()) -> str:
    """A partner's free text as it may be kept: each value of 4 characters or more that we told it (field name, value)
    becomes ‹field name›, e-mail addresses and runs of 7 or more digits are masked, the rest is cut to 300 letters."""
    text = unicodedata.normalize("NFC", text)
    seen = plain(text)
    names = {plain(value): name for name, value in told if 4 <= len(value) <= 4 * len(seen) and plain(value) in seen}
    if names:
        longest_first = sorted(names, key=len, reverse=True)
        pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
        text = pattern.sub(lambda found: f"‹{names.get(plain(found[0]), 'value')}›", text)
    text = _NUMBER.sub("‹number›", _EMAIL.sub("‹email›", text))
    text = " ".join(text.split())
    return text if len(text) <= 300 else text[:297] + "..."


def named_values(sent: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """(field name, value as text) of everything in a data object, at any depth."""
    if isinstance(sent, Mapping):
        for name, value in sent.items():
            yield from named_values(value, name)
    elif isinstance(sent, list):
        for value in sent:
            yield from named_values(value, field)
    elif sent is not None:
        yield field, str(sent)


def plain(text: str) -> str:
    """A text as it is compared: in one Unicode form, without regard to case."""
    return unicodedata.normalize("NFC", text).casefold()
