"""What differs between two code tables, row by row: what an operator reads before one takes the place of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hub.translation.table_rows import Key
from hub.translation.tables import CodeTable


@dataclass(frozen=True, slots=True)
class Change:
    """One cell of a row that both tables have; None where a table lacks the column."""

    key: Key
    column: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Differences:
    """Rows by key; in a dated table the first day of a row belongs to its key."""

    added: tuple[Key, ...]
    removed: tuple[Key, ...]
    changed: tuple[Change, ...]


def table_differences(old: CodeTable, new: CodeTable) -> Differences:
    """Compares the rows of two tables. Raises ValueError when their keys cannot be compared."""
    if (old.key, old.dated) != (new.key, new.dated):
        raise ValueError(f"the key columns differ: {', '.join(old.key)} and {', '.join(new.key)}, or one table alone is dated")
    before, after = old.rows or {}, new.rows or {}
    columns = list(dict.fromkeys((*old.columns, *new.columns)))
    changed: list[Change] = []
    for key in (key for key in before if key in after):
        left, right = (dict(zip(one.columns, rows[key], strict=True)) for one, rows in ((old, before), (new, after)))
        both = [(name, left.get(name), right.get(name)) for name in columns]
        changed += [Change(key, name, was, now) for name, was, now in both if (type(was), was) != (type(now), now)]  # 1 == True
    added = tuple(key for key in after if key not in before)
    return Differences(added, tuple(key for key in before if key not in after), tuple(changed))
