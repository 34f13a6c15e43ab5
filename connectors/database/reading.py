"""Reads a table page by page behind a value of its growing column: the rows, each with its children, in one snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    TableClause,
    and_,
    bindparam,
    case,
    column,
    func,
    or_,
    select,
    table,
    tuple_,
)
from sqlalchemy.types import NullType

from connectors.database.cells import Unreadable
from connectors.database.config import ReadConfig, TableConfig
from connectors.database.faults import is_of_a_value
from connectors.database.place import Database

Raw = Mapping[str, Any]
"""Column → value as the driver gave it."""
Place = tuple[Any, ...]
"""Where a row stands: its value of the growing column, then those of its key."""
MOST_COUNTED = 1_000
"""Rows without a place."""


@dataclass(frozen=True, slots=True)
class Found:
    """One row, and the rows that belong to it, by the field that they stand in."""

    place: Place
    own: Raw
    children: Mapping[str, Sequence[Raw] | Unreadable] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in their order. ``more``: the place behind which there may be more. ``cut``: the next row has no readable place, so
    that nothing behind it can be read."""

    rows: Sequence[Found]
    more: Place | None
    cut: bool = False


def named(config: TableConfig, *more: str) -> TableClause:
    """The table as statements name it; the values of its columns go to and fro as the driver has them."""
    columns = dict.fromkeys((*config.columns.values(), *more))
    return table(config.table, *(column(name) for name in columns), schema=config.namespace)


def bound(value: Any) -> ColumnElement[Any]:
    """A value that the database takes for what it is compared with."""
    return bindparam(None, value, type_=NullType(), unique=True)


class TableReader:
    """``page`` after page; all of it in the database's thread."""

    def __init__(self, config: ReadConfig, database: Database) -> None:
        self._config, self._database = config, database
        self._table = named(config, *config.own)
        self._order = (config.by, *config.key)
        self._children = {name: (child, named(child, *child.match, *child.order)) for name, child in config.children.items()}

    def check(self) -> None:
        """Can every column be read? Reads no row. Raises DeliveryError."""
        with self._database.reading() as connection:
            for one in (self._table, *(made for _, made in self._children.values())):
                connection.execute(select(*one.c).where(bound(1) == bound(0)))

    def newest(self) -> Any | None:
        """The greatest value in ``by`` that can be seen now; None: there is none. Raises DeliveryError."""
        by = self._table.c[self._config.by]
        try:
            with self._database.reading() as connection:
                return connection.execute(select(by).where(by.is_not(None)).order_by(by.desc()).limit(1)).scalar()
        except Exception as error:
            if not is_of_a_value(error):
                raise
            return Unreadable("not_readable")

    def nowhere(self) -> int:
        """How many rows have no place, and so are never read: without a value in ``by``, or in a column of the key. Counts to
        ``MOST_COUNTED``. Raises DeliveryError, and what the driver says of a value."""
        c = self._table.c
        among: ColumnElement[bool] = or_(*(_has_none(c[name]) for name in self._config.key))
        if self._config.begin is not None:
            among = and_(c[self._config.by] >= bound(self._config.begin), among)
        found = select(c[self._config.by]).where(or_(_has_none(c[self._config.by]), among)).limit(MOST_COUNTED)
        with self._database.reading() as connection:
            return connection.execute(select(func.count()).select_from(found.subquery())).scalar_one()

    def page(self, low: Any | None, after: Place | None) -> Page:
        """The rows behind ``after``, or from the value ``low`` on, or from the first. Raises DeliveryError."""
        try:
            with self._database.reading() as connection:
                return self._page(connection, low, after, whole=True)
        except Exception as error:
            if not is_of_a_value(error):
                raise
        return self._one_by_one(low, after)

    # ── a page at once
    def _page(self, connection: Connection, low: Any | None, after: Place | None, *, whole: bool) -> Page:
        """``whole``: all of each row, not only its place."""
        c = self._table.c
        names = self._config.own if whole else dict.fromkeys(self._order)
        query = select(*(c[name] for name in names)).order_by(*(c[name] for name in self._order)).limit(self._config.page)
        rows = _raw(connection, self._behind(query, low, after))
        places = [tuple(row[name] for name in self._order) for row in rows]
        readable = next((at for at, one in enumerate(places) if _has_unreadable(one)), len(rows))
        children = self._children_of(connection, rows[:readable]) if whole else [{}] * readable
        found = [Found(*one) for one in zip(places[:readable], rows[:readable], children, strict=True)]
        full = len(rows) == self._config.page and readable == len(rows)
        return Page(found, places[-1] if full else None, cut=readable < len(rows))

    def _behind(self, query: Select[Any], low: Any | None, after: Place | None) -> Select[Any]:
        """Not by comparing tuples: not every database can use an index for that."""
        c = self._table.c
        query = query.where(*(c[name].is_not(None) for name in self._order))
        if self._config.begin is not None:
            query = query.where(c[self._config.by] >= bound(self._config.begin))
        if after is None:
            return query if low is None else query.where(c[self._config.by] >= bound(low))
        further: ColumnElement[bool] | None = None
        for name, value in reversed([*zip(self._order, after, strict=True)]):
            more = c[name] > bound(value)
            further = more if further is None else or_(more, and_(c[name] == bound(value), further))
        assert further is not None
        return query.where(c[self._config.by] >= bound(after[0]), further)

    def _children_of(self, connection: Connection, rows: Sequence[Raw]) -> list[dict[str, Sequence[Raw] | Unreadable]]:
        """One query for each table of children, whatever the number of rows, unless the database alone knows whose they are."""
        found: list[dict[str, Sequence[Raw] | Unreadable]] = [{} for _ in rows]
        for name, (child, made) in self._children.items():
            wanted = [tuple(row[column] for column in child.match.values()) for row in rows]
            asked = [*dict.fromkeys(one for one in wanted if None not in one)]
            lists: dict[Place, list[Raw]] = {}
            if asked:
                for row in _raw(connection, _of_parents(child.match, made, asked, child.order)):
                    lists.setdefault(tuple(row[column] for column in child.match), []).append(row)
                if not lists.keys() <= set(asked):  # the database takes for the same what is not: letters, spaces behind
                    lists = {one: _raw(connection, _of_parents(child.match, made, [one], child.order)) for one in asked}
            for one, key in zip(found, wanted, strict=True):
                one[name] = lists.get(key, [])
        return found

    # ── a page in which a value cannot be read
    def _one_by_one(self, low: Any | None, after: Place | None) -> Page:
        """Each row, then each value of the row that cannot be read at once: only what cannot be read is not. Several
        transactions, so each row is as it stands when it is read."""
        with self._database.reading() as connection:
            page = self._page(connection, low, after, whole=False)
        rows = [one for found in page.rows if (one := self._row(found.place)) is not None]
        return Page(rows, page.more, page.cut)

    def _row(self, place: Place) -> Found | None:
        try:
            with self._database.reading() as connection:
                query = select(*(self._table.c[name] for name in self._config.own)).where(self._is_at(place))
                rows = _raw(connection, query)
                return Found(place, rows[0], self._children_of(connection, rows[:1])[0]) if rows else None
        except Exception as error:
            if not is_of_a_value(error):
                raise
        own = dict(zip(self._order, place, strict=True))
        for name in self._config.own:
            if name not in own:
                if (found := self._value(place, name)) is None:  # it has just changed: its new state is read later
                    return None
                (own[name],) = found
        return Found(place, own, {name: self._list(own, name) for name in self._children})

    def _value(self, place: Place, name: str) -> tuple[Any] | None:
        """None: there is no such row."""
        try:
            with self._database.reading() as connection:
                found = connection.execute(select(self._table.c[name]).where(self._is_at(place))).first()
                return None if found is None else (found[0],)
        except Exception as error:
            if not is_of_a_value(error):
                raise
            return (Unreadable("not_readable"),)

    def _list(self, own: Raw, name: str) -> Sequence[Raw] | Unreadable:
        child, made = self._children[name]
        wanted = tuple(own[column] for column in child.match.values())
        if None in wanted:
            return []
        if _has_unreadable(wanted):
            return Unreadable("not_readable")
        try:
            with self._database.reading() as connection:
                return _raw(connection, _of_parents(child.match, made, [wanted], child.order))
        except Exception as error:
            if not is_of_a_value(error):
                raise
            return Unreadable("not_readable")

    def _is_at(self, place: Place) -> ColumnElement[bool]:
        return and_(*(self._table.c[name] == bound(value) for name, value in zip(self._order, place, strict=True)))


def _has_none(one: ColumnElement[Any]) -> ColumnElement[bool]:
    """Twice, since to MariaDB a zero date ``is null`` and ``is not null`` both."""
    return and_(one.is_(None), case((one.is_not(None), 0), else_=1) == 1)


def _raw(connection: Connection, query: Select[Any]) -> list[Raw]:
    return [row._asdict() for row in connection.execute(query)]


def _of_parents(match: Mapping[str, str], made: TableClause, parents: Sequence[Place], order: Sequence[str]) -> Select[Any]:
    names = [*match]
    if len(names) == 1:
        among: ColumnElement[bool] = made.c[names[0]].in_([bound(one) for (one,) in parents])
    else:
        among = tuple_(*(made.c[name] for name in names)).in_([tuple_(*map(bound, one)) for one in parents])
    return select(*made.c).where(among).order_by(*(made.c[name] for name in (*names, *order)))


def _has_unreadable(values: Place) -> bool:
    return any(isinstance(one, Unreadable) for one in values)
