"""Values on the portal's wire: their JSON types, comparing what it holds with what was sent, and masking its texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connectors.national_portal.config import JsonType
from hub.errors import Rejected


def typed(value: Any, types: Mapping[str, JsonType], field: str = "") -> Any:
    """A data object with each named field in its JSON type, any other scalar as text. Raises Rejected for a value that
    has no such type; the empty string, which means absent on this wire, stays."""
    if isinstance(value, Mapping):
        return {name: typed(inner, types, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [typed(inner, types, field) for inner in value]
    text = "" if value is None else str(value)
    wanted = types.get(field, "string")
    if wanted == "string" or not text:
        return text
    if wanted == "int" and re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    if wanted == "bool" and text.casefold() in ("true", "1", "false", "0"):
        return text.casefold() in ("true", "1")
    raise Rejected("json_type", f"{field}: json_types asks for {wanted}, the value is none; mend the mapping")


def same_as_sent(sent: Any, there: Any) -> bool | None:
    """Whether the portal's object is what we sent; None when it leaves out a field that we sent with a value.

    Names of fields and JSON types may differ in case and kind; a field sent empty must be empty or absent there.
    """
    if isinstance(sent, Mapping):
        if not isinstance(there, Mapping):
            return None
        fields = {str(name).casefold(): value for name, value in there.items()}
        pairs = [(value, fields.get(name.casefold())) for name, value in sent.items()]
    elif isinstance(sent, list):
        if not isinstance(there, list):
            return None if sent else not there
        if len(sent) != len(there):
            return False
        pairs = list(zip(sent, there, strict=True))
    else:
        return _scalar(sent) == _scalar(there)
    outcomes = [None if theirs is None and ours else same_as_sent(ours, theirs) for ours, theirs in pairs]
    return None if None in outcomes else all(outcomes)


def _scalar(value: Any) -> str:
    text = "" if value is None or value == [] else unicodedata.normalize("NFC", str(value)).strip()
    return text.lower() if text.lower() in ("true", "false") else text


def object_of(result: Iterable[Any], code: str) -> Any:
    """The object with this dossier code among those that TraCuuHoSo gave, if they are objects with a code at all."""
    for item in result:
        if isinstance(item, Mapping) and any(str(k).casefold() == "mahoso" and v == code for k, v in item.items()):
            return item
    return None


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
    text = re.sub(r"[\w.+%-]+@[\w.-]+", "‹email›", text)
    text = re.sub(r"\d(?:[ .-]?\d){6,}", "‹number›", text)
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
    return unicodedata.normalize("NFC", text).casefold()
