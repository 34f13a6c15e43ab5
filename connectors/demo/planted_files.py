"""The part of the script that the records office leaves in files, line by line; one is mistaken, one file comes twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import orjson

from connectors.demo.script import Item

TWICE = 8
"""So many lines has the file that is left twice."""
SEEN, GIVEN_UP = "mistake seen", "mistake given up"


def as_lines(items: Iterable[Item]) -> list[Item]:
    """The same life in files: nobody answers a line, and it has no key."""
    return [replace(one, way="folder", key=None) for one in items]


def with_a_mistake(items: Sequence[Item]) -> list[Item]:
    """The second record has words where a number belongs. The office reads so beside the file, and leaves the record again
    as it should be: it waits behind the mistaken one until the operator gives that up; the rest of the life is left then."""
    first, second, *rest = items
    assert second.record is not None
    body = orjson.dumps({**second.record, "counter": "mười"})
    mistaken = replace(second, planted="mistaken", record=None, body=body, names="/counter")
    return [first, mistaken, replace(second, waits_for=SEEN), *(replace(one, waits_for=GIVEN_UP) for one in rest)]


def left_twice(lives: Sequence[Sequence[Item]]) -> tuple[list[Item], list[Item]]:
    """Of the earliest lives their first records, which stand together in the first file, and the same file left once more in
    the middle of the day. Both in the order of ``lives``."""
    days = sorted(one.due for life in lives for one in life)
    early = sorted(lives, key=lambda life: life[0].due)[:TWICE]
    together = max(life[0].due for life in early)
    first = [replace(life[0], twice=True, due=together) for life in lives if life in early]
    return first, [replace(one, planted="duplicate", due=days[len(days) // 2]) for one in first]
