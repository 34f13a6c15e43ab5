"""What a driver's error means for a delivery. Its text may quote a row: only codes and the names of columns are kept of it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection
from typing import Any

from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hub.errors import AccountRefused, DeliveryError, NotConnected, Rejected, Transient

# What an error is made like; each is raised as an error of its own.
_GONE = NotConnected("connection_lost", "the connection to the database broke, or cannot be made")
_LOCKED = Transient("locked", "others hold what was to be read or written: a lock, a deadlock")
_SLOW = Transient("too_slow", "the statement took longer than timeout")
_ACCOUNT = AccountRefused("account", "the database refuses the account or its password")
_RIGHTS = AccountRefused("table_rights", "the account has not the rights it needs on the table")
_NO_TABLE = Transient("no_table", "there is no such table or column")
_NO_DATABASE = NotConnected("no_database", "there is no such database")
_FULL = Transient("database_full", "the database has no room left, or takes no writes now")
_CONSTRAINT = Rejected("constraint", "a rule of the table refuses the row")
_VALUE = Rejected("value", "a column cannot take the value")

_STATES: dict[str, DeliveryError] = {
    "08": _GONE, "28": _ACCOUNT, "3D": _NO_DATABASE, "40": _LOCKED, "55P03": _LOCKED, "57014": _SLOW, "57P": _GONE,
    "53": _FULL, "25006": _FULL, "42501": _RIGHTS, "42P01": _NO_TABLE, "42703": _NO_TABLE, "3F000": _NO_TABLE,
    "42804": _VALUE, "42846": _VALUE, "23": _CONSTRAINT, "44": _CONSTRAINT, "P0001": _CONSTRAINT, "22": _VALUE,
}  # fmt: skip
"""PostgreSQL: SQLSTATE, or how it begins."""
_NUMBERS: dict[int, DeliveryError] = {
    **dict.fromkeys((2002, 2003, 2005, 2006, 2013, 2014, 2055, 1053, 1927, 1040, 1226), _GONE),
    **dict.fromkeys((1045, 1698, 1820), _ACCOUNT), **dict.fromkeys((1044, 1142, 1143, 1227), _RIGHTS), 1049: _NO_DATABASE,
    **dict.fromkeys((1205, 1213, 1020), _LOCKED), **dict.fromkeys((1317, 1969, 3024), _SLOW),
    **dict.fromkeys((1021, 1114, 1290, 1836), _FULL), **dict.fromkeys((1146, 1054, 1051), _NO_TABLE),
    **dict.fromkeys((1048, 1062, 1169, 1216, 1217, 1364, 1369, 1451, 1452, 1644, 3819, 4025), _CONSTRAINT),
    **dict.fromkeys((1264, 1265, 1292, 1366, 1406, 1411, 1690, 1231), _VALUE),
}  # fmt: skip
"""MariaDB and MySQL."""
_SQLITE: dict[int, DeliveryError] = {
    sqlite3.SQLITE_BUSY: _LOCKED, sqlite3.SQLITE_LOCKED: _LOCKED, sqlite3.SQLITE_CANTOPEN: _NO_DATABASE,
    sqlite3.SQLITE_FULL: _FULL, sqlite3.SQLITE_READONLY: _RIGHTS, sqlite3.SQLITE_PERM: _RIGHTS, sqlite3.SQLITE_AUTH: _RIGHTS,
    sqlite3.SQLITE_CONSTRAINT: _CONSTRAINT, sqlite3.SQLITE_MISMATCH: _VALUE, sqlite3.SQLITE_TOOBIG: _VALUE,
    sqlite3.SQLITE_IOERR: _GONE, sqlite3.SQLITE_CORRUPT: _GONE, sqlite3.SQLITE_NOTADB: _NO_DATABASE,
}  # fmt: skip
_WORD = re.compile(r"[\w$]+")


def is_of_a_value(error: BaseException) -> bool:
    """Whether one value of what was read is to blame, and other rows can be read."""
    if isinstance(error, UnicodeError | ValueError | OverflowError | ArithmeticError):
        return True
    inner = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(inner, UnicodeError | ValueError | OverflowError):
        return True
    if isinstance(inner, sqlite3.OperationalError):
        return str(inner).startswith("Could not decode")
    kind = _kind(inner)
    if kind is None:
        return type(inner).__name__ == "DataError"
    return kind is _VALUE or kind is _CONSTRAINT  # the latter: a function in their view says no


def fault(error: BaseException, columns: Collection[str] = ()) -> DeliveryError | None:
    """The delivery's error, None where one value is to blame and nothing was to be written; ``columns``: those of which the
    error may name one. An error that nobody knows is Transient: it waits, and says its type."""
    if isinstance(error, DeliveryError):
        return error
    if isinstance(error, PoolTimeout):
        return Transient("locked", "the connection to the database is busy")
    inner = error.orig if isinstance(error, DBAPIError) else error
    kind = _kind(inner)
    if isinstance(error, DisconnectionError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        kind = kind if kind in (_ACCOUNT, _NO_DATABASE) else _GONE
    if kind is None and is_of_a_value(error):
        kind = _VALUE
    if kind in (_VALUE, _CONSTRAINT) and not columns:
        return None
    if kind is None:
        word = type(inner).__name__
        return Transient("database_error", f"the database refused the statement ({word}{_code_of(inner)})")
    named = _column(inner, columns) if isinstance(kind, Rejected) else None
    return type(kind)(kind.code, f"{kind.reason}: column {named}" if named else kind.reason)


def _kind(error: Any) -> DeliveryError | None:
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error)
    if type(error).__module__.startswith("pymysql"):  # its numbers say more than its SQLSTATE
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        return _NUMBERS.get(number, _GONE if type(error).__name__ == "InterfaceError" else None)
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return next((kind for begins, kind in _STATES.items() if state.startswith(begins)), None)
    if type(error).__module__.startswith("psycopg") and type(error).__name__ in ("OperationalError", "ConnectionTimeout"):
        return _of_connecting(str(error))
    return None


def _of_connecting(text: str) -> DeliveryError:
    """libpq gives no code for what happens before there is a connection."""
    if "authentication failed" in text or "no password supplied" in text or "no pg_hba.conf entry" in text:
        return _ACCOUNT
    if re.search(r'role ".*" (does not exist|is not permitted)', text):
        return _ACCOUNT
    return _NO_DATABASE if re.search(r'database ".*" does not exist', text) else _GONE


def _of_sqlite(error: sqlite3.Error) -> DeliveryError | None:
    text = str(error)
    if text.startswith(("no such table", "no such column")) or " has no column named " in text:
        return _NO_TABLE
    if text == "unable to open database file":
        return _NO_DATABASE
    return _SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)


def _code_of(error: Any) -> str:
    if type(error).__module__.startswith("pymysql") and error.args and isinstance(error.args[0], int):
        return f", {error.args[0]}"
    state = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
    return f", {state}" if state else ""


def _column(error: Any, columns: Collection[str]) -> str | None:
    """The column that the error names, if it is one of ours: whatever else it says may be a value."""
    diag = getattr(error, "diag", None)
    told = " ".join(str(getattr(diag, name, None) or "") for name in ("column_name", "constraint_name")) if diag else str(error)
    words = set(_WORD.findall(told))
    found = [one for one in columns if one in words] or [one for one in columns if diag and one in told]
    return ", ".join(found) if len(found) <= 3 else None
