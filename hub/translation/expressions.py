"""Regular expressions of mapping files: read when the file is, refused where some text would keep them busy for ever.

What is repeated must have one length, and its alternatives must begin differently; text longer than LONGEST fits nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

LONGEST = 1_000
"""How many characters a regular expression looks at: what is written for identifiers and codes needs no more."""
_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT)


class SlowPattern(ValueError):
    """A regular expression that may try the same text in more ways than anybody can wait for."""


def read_expression(text: str) -> re.Pattern[str]:
    """Raises ValueError for what is no regular expression, SlowPattern for one that may take for ever."""
    try:
        expression, tree = re.compile(text), _parser.parse(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is not a regular expression: {getattr(error, 'msg', 'too large or too deep')}") from error
    any_case = expression.flags & re.IGNORECASE
    for operator, argument in _operators(tree):
        if operator in _REPEATS and argument[1] > 1 and _ways(argument[2], any_case):
            message = "repeats what may end at several places, and so may take for ever"
            raise SlowPattern(f"{message}; write the parts side by side, as in [A-Z]+(-[0-9]+)?(-[0-9]+)?")
    return expression


def fits(expression: re.Pattern[str], text: str) -> re.Match[str] | None:
    """How the whole text fits; None when it does not, or is too long to be looked at."""
    return expression.fullmatch(text) if len(text) <= LONGEST else None


def _ways(tree: Any, any_case: int) -> bool:
    """May it fit one text in several ways? Told from its length, and from the first letters of alternatives."""
    least, most = tree.getwidth()
    if least != most:
        return True
    for operator, argument in _operators(tree):
        if operator is _constants.BRANCH:
            firsts = [one[0] if len(one) else None for one in argument[1]]
            letters = {first[1] for first in firsts if first and first[0] is _constants.LITERAL}
            if any_case or len(letters) < len(firsts):
                return True
    return False


def _operators(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every operator of the tree that ``re`` makes of an expression, with its argument."""
    if isinstance(tree, _parser.SubPattern):
        for operator, argument in tree:
            yield operator, argument
            yield from _operators(argument)
    elif isinstance(tree, list | tuple):
        for one in tree:
            yield from _operators(one)
