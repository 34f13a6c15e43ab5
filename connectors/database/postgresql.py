"""PostgreSQL through psycopg: a value that Python has no room for is one unreadable value, not an unreadable page."""

from __future__ import annotations

from typing import Any

from psycopg import adapt
from psycopg.types import datetime as times
from psycopg.types import string as texts

from connectors.database.cells import JsonText, Unreadable


def prepare(driver: Any, seconds: int) -> None:
    """For each new connection: how long a statement may take, and how values are read."""
    with driver.cursor() as cursor:
        cursor.execute(f"SET statement_timeout = {seconds * 1000:d}")
        cursor.execute(f"SET idle_in_transaction_session_timeout = {seconds * 1000:d}")
    driver.commit()
    for name, loader in _LOADERS.items():
        driver.adapters.register_loader(name, loader)


def json_text(data: str | bytes | bytearray | memoryview) -> JsonText:
    """JSON as it stands there: it is read where the row is made."""
    return JsonText(data if isinstance(data, str) else bytes(data).decode())


def _lenient(base: type[adapt.Loader], code: str) -> type[adapt.Loader]:
    class Lenient(base):  # type: ignore[valid-type,misc]
        def load(self, data: Any) -> Any:
            try:
                return super().load(data)
            except Exception:  # whatever it is, the value is there and cannot be told
                return Unreadable(code)

    return Lenient


_LOADERS = {
    "date": _lenient(times.DateLoader, "out_of_range"),
    "time": _lenient(times.TimeLoader, "out_of_range"),
    "timestamp": _lenient(times.TimestampLoader, "out_of_range"),
    "timestamptz": _lenient(times.TimestamptzLoader, "out_of_range"),
    # an interval as it is written there: Python has no months
    **dict.fromkeys(("interval", "text", "varchar", "bpchar", "name"), _lenient(texts.TextLoader, "not_text")),
}
