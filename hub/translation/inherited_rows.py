"""Gives a code table that ``extends`` another the rows of that one: its own replace or add to them, ``without`` removes."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Mapping
from dataclasses import replace

from hub.errors import Problem
from hub.message import SchemaRef
from hub.translation.tables import CodeTable
from hub.translation.versions import newest, order

Tables = dict[SchemaRef, CodeTable]


def inherit(tables: Tables, problems: list[Problem]) -> None:
    """Makes every table whole in place. One that cannot be is a problem and taken out, with those that extend it."""
    made: dict[SchemaRef, CodeTable | None] = {}
    for ref in tables:
        for one in reversed(lineage(ref, tables, made)):
            if one not in made:
                made[one] = _whole(tables[one], tables, made, problems)
    for ref, table in made.items():
        if table is None:
            del tables[ref]
        else:
            tables[ref] = table


def lineage(ref: SchemaRef, tables: Tables, until: Container[SchemaRef] = ()) -> list[SchemaRef]:
    """A table and those that it extends, the nearest first, up to one of ``until``; of a cycle each table once."""
    way: dict[SchemaRef, None] = {}
    found: SchemaRef | None = ref
    while found is not None and found not in way:
        way[found] = None
        found = None if found in until else _parent(tables[found], tables)
    return list(way)


def _parent(table: CodeTable, tables: Tables) -> SchemaRef | None:
    if table.extends is None:
        return None
    return newest(table.extends.ref, (ref for ref in tables if _may_extend(table, ref)))


def _may_extend(table: CodeTable, ref: SchemaRef) -> bool:
    return ref.id != table.ref.id or order(ref) < order(table.ref)  # never itself or a newer one


def _whole(
    table: CodeTable, tables: Tables, made: Mapping[SchemaRef, CodeTable | None], problems: list[Problem]
) -> CodeTable | None:
    link = table.extends
    if link is None:
        return table

    def wrong(code: str, message: str, hint: str, where: str = link.where) -> None:
        problems.append(Problem("extends", code, message, hint, where))

    found = _parent(table, tables)
    if found is None:
        known = ", ".join(sorted(str(ref) for ref in tables if _may_extend(table, ref))) or "none"
        wrong("unknown_table", f"no table {link.ref} is known that {table.ref} could extend", f"one of: {known}")
        return None
    if found not in made:  # parents are made first
        way = " → ".join(map(str, [*lineage(found, tables), found]))
        wrong("table_cycle", f"the table extends itself: {way}", "remove extends from one of them")
        return None
    parent = made[found]
    if parent is None:
        return None  # why was said there
    if (parent.key, parent.columns) != (table.key, table.columns):
        hint = f"write key: [{', '.join(parent.key)}] and columns: [{', '.join(parent.columns)}]"
        wrong("bad_extends", f"key and columns are not those of {parent.ref}", hint)
        return None
    if parent.rows is None or table.rows is None:
        return replace(table, rows=None, sha256="")
    inherited = parent.all_keys()
    for where in (where for key, where in link.without.items() if key not in inherited):
        wrong("unknown_row", f"the table {parent.ref} has no row with this key", "remove it from without", where)
    width, own = len(table.key), table.all_keys() | set(link.without)
    rows = {key: cells for key, cells in parent.rows.items() if key[:width] not in own}
    digest = hashlib.sha256(f"{table.sha256} {parent.ref} {parent.sha256}".encode()).hexdigest()
    return replace(table, rows=rows | table.rows, sha256=digest)
