"""JSON values however deep: orjson reads four times as deep (1,024 levels) as it writes (254).

For what a partner tells among other things: a value that is nested too deep must hold up no other.
"""

from __future__ import annotations

from typing import Any

import orjson


def is_deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects stand in each other more than so many levels deep."""
    level = [value]
    for _ in range(levels + 1):
        level = [one for one in level if isinstance(one, list | dict)]
        if not level:
            return False
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return True


def written(value: Any) -> bytes:
    """The value as bytes of JSON, compact."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return b"".join(_pieces(value))


def _pieces(value: Any) -> list[bytes]:
    pieces: list[bytes] = []
    rest: list[Any] = [value]  # values, and signs between them as bytes; what comes next stands last
    while rest:
        one = rest.pop()
        if isinstance(one, dict):
            inner = [part for key, held in one.items() for part in (b",", orjson.dumps(key) + b":", held)]
            rest += [b"}", *reversed(inner[1:]), b"{"]
        elif isinstance(one, list):
            inner = [part for held in one for part in (b",", held)]
            rest += [b"]", *reversed(inner[1:]), b"["]
        else:
            pieces.append(one if isinstance(one, bytes) else orjson.dumps(one))
    return pieces
