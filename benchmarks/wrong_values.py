"""What a tired integrator could write in place of a value, of what a condition compares with, of a pattern, of an argument."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hub.translation.datetimes import HOME_ZONE
from hub.translation.verbs import VERBS

DATE_VERBS = ("parse_datetime", "format_datetime", "parse_partial_date", "format_partial_date")
_NAMED = {"compact": "yyyyddMMHHmmss", "compact_date": "yyyyddMM"}
_COUNT = re.compile(r"\{([0-9]+)\}")


def other_compared(kind: str, value: Any) -> Iterator[Any]:
    """What ``equals``, ``differs`` or ``matches`` could compare with instead."""
    if kind == "matches":
        yield from _other_expressions(value)
    elif kind in ("equals", "differs"):
        yield other_value(value)


def other_arguments(verb: str, argument: Any) -> Iterator[Any]:
    """The other arguments of a verb that it takes too; patterns of dates have their own mutator (``other_pattern``)."""
    for other in _arguments(verb, argument):
        try:
            VERBS[verb].make(other)
        except ValueError:
            continue
        yield other


def _arguments(verb: str, argument: Any) -> Iterator[Any]:
    if verb in DATE_VERBS:
        if isinstance(argument, list):
            yield from ([*argument[:index], *argument[index + 1 :]] for index in range(len(argument)))
        elif isinstance(argument, dict) and "zone" in argument:
            yield argument | {"zone": "UTC" if argument["zone"] == HOME_ZONE else HOME_ZONE}
    elif verb == "pattern":
        yield from _other_expressions(argument)
    elif isinstance(argument, list):
        yield from ([*argument[:index], other_value(one), *argument[index + 1 :]] for index, one in enumerate(argument))
    elif argument is not None:
        yield other_value(argument)


def _other_expressions(text: str) -> Iterator[str]:
    """One more of what is counted, at each count; one without a count fits what is longer."""
    for count in _COUNT.finditer(text):
        yield f"{text[: count.start(1)]}{int(count[1]) + 1}{text[count.end(1) :]}"
    if not _COUNT.search(text):
        yield f"({text}).*"


def other_value(value: Any) -> Any:
    """Another value of the same kind."""
    match value:
        case int():
            return not value if isinstance(value, bool) else value + 1
        case str():
            return f"{value}~"
    return [*value, "~"] if isinstance(value, list) else {**value, "~": "~"}


def other_pattern(argument: Any) -> Any:
    """Day and month in the other order, in every pattern."""
    if isinstance(argument, list):
        return [other_pattern(one) for one in argument]
    if isinstance(argument, dict):
        return {name: one if name == "zone" else other_pattern(one) for name, one in argument.items()}
    return _NAMED.get(argument) or argument.replace("dd", "\0").replace("MM", "dd").replace("\0", "MM")
