"""Values on the portal's wire: their JSON types, and comparing what it holds with what was sent."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
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


def word_and_object(body: Mapping[str, Any]) -> tuple[bool | None, dict[str, Any]]:
    """Whether the portal holds the dossier, as its sender says (``isUpdating``; None: nobody says), and the data object, in
    which that word has no place. Raises Rejected for another word."""
    item = dict(body)
    match item.pop("isUpdating", None):
        case None:
            return None, item
        case "True" | "False" as word:
            return word == "True", item
    raise Rejected("is_updating", '/isUpdating: "True" or "False", or not there; mend the mapping')


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
