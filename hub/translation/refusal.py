"""What a rule says when it cannot take a value: the kind of fault, and the value's form in place of the value."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Change = Callable[[Any], Any]

_KINDS: dict[type, str] = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "text",
    list: "a list",
    type(None): "nothing",
}
_LONGEST_FORM = 24


@dataclass
class Refusal(Exception):
    """A value that a rule cannot take: ``code`` and ``message`` as in ``hub.errors.Problem``.

    ``advice`` gives a better hint, at a cost: it is asked for the first problems of a message only, and by no condition.
    """

    code: str
    message: str
    hint: str = ""
    advice: Callable[[], str] | None = None


def kind_of(value: Any) -> str:
    """The JSON type of a value in words, for messages."""
    return _KINDS.get(type(value), "an object")


def text(value: Any) -> str:
    """The value if it is text. Raises Refusal otherwise."""
    if isinstance(value, str):
        return value
    raise Refusal("bad_value", f"must be text here, not {kind_of(value)}", "apply to_string first")


def form_of(value: Any) -> str:
    """A value masked: 9 for each digit, a for each word, the marks between them as they are, so that ``31-12-1990`` is
    ``99-99-9999`` and a name tells only how many words it has. What is no text is named by its kind."""
    if not isinstance(value, str):
        return kind_of(value)
    masked = re.sub(r"[^\W\d_]+", "a", value[: 4 * _LONGEST_FORM])
    masked = re.sub(r"[^a9 /.,:+_-]", "?", re.sub(r"\s+", " ", re.sub(r"\d", "9", masked)))
    return (masked if len(masked) <= _LONGEST_FORM else masked[:_LONGEST_FORM] + "…") or "nothing"


def unfit(code: str, message: str, value: Any, hint: str = "") -> Refusal:
    """A refusal that tells the form of the value it is about."""
    return Refusal(code, f"{message} (given: {form_of(value)})", hint)


def or_refuse(convert: Callable[[str], str | None], code: str, message: str, hint: str = "") -> Change:
    """A change of text that is refused when ``convert`` gives None."""

    def change(value: Any) -> str:
        found = convert(text(value))
        if found is None:
            raise unfit(code, message, value, hint)
        return found

    return change
