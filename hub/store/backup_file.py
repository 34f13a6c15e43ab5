"""The file of a backup: made private and unseen, sealed with what it holds, proved, and only then given its name.

It is an SQLite database with the store's tables. A row ``backup`` in ``meta`` says of what moment it is, how many rows each
table must have, and a digest over all of them (against damage: who can write the file can seal it again).
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from hub.durable import sync_folder
from hub.errors import NotAllowed, NotFound
from hub.store.rows import instant


@dataclass(frozen=True, slots=True)
class Held:
    """What a backup holds: the ``moment`` it shows (everything committed before it, microseconds), the schema's
    ``revision``, rows by table; ``size`` in bytes and ``sha256`` are of the file."""

    moment: int
    revision: str
    rows: Mapping[str, int]
    size: int
    sha256: str

    def as_dict(self) -> dict[str, object]:
        return {
            "moment": instant(self.moment), "revision": self.revision, "rows": dict(self.rows), "size": self.size,
            "sha256": self.sha256,
        }  # fmt: skip


def examine(file: Path) -> Held:
    """Prove a backup: SQLite's own check, the row counts written into it, and no message or delivery without what it
    belongs to. Raises NotFound, NotAllowed (it is no backup, or damaged)."""
    if not file.is_file():
        raise NotFound(f"there is no file {file}")
    try:
        with contextlib.closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as there:
            (verdict,) = there.execute("PRAGMA integrity_check(1)").fetchone()
            said = there.execute("select value from meta where name = 'backup'").fetchone()
            if said is None:
                raise NotAllowed(f"{file} is a database, but no backup made by `hub backup`")
            written = orjson.loads(said[0])
            moment, proof = int(written["moment"]), str(written["content"])
            (revision,) = there.execute("select version_num from alembic_version").fetchone()
            rows = _rows(there)
            (orphans,) = there.execute(_ORPHANS).fetchone()
            foreign = there.execute("select name from sqlite_master where type in ('trigger', 'view')").fetchone()
            whole = rows == written["rows"] and _content(there) == proof and instant(moment) is not None
    except (sqlite3.DatabaseError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise NotAllowed(f"{file} is no backup, or it is damaged: it cannot be read as one") from error
    if verdict != "ok" or orphans or foreign or not whole:
        raise NotAllowed(f"{file} is damaged: it does not hold what was written into it")
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return Held(moment, revision, rows, file.stat().st_size, digest)


def seal(part: Path, moment: int) -> None:
    """Write into the copy of what moment it is and what it holds."""
    with contextlib.closing(sqlite3.connect(part, isolation_level=None)) as copy:
        copy.execute("PRAGMA journal_mode=DELETE")
        copy.execute("delete from meta where name = 'backup'")
        rows = _rows(copy)
        rows["meta"] += 1
        said = orjson.dumps({"moment": moment, "rows": rows, "content": _content(copy)}).decode()
        copy.execute("insert into meta (name, value) values ('backup', ?)", (said,))


def _rows(database: sqlite3.Connection) -> dict[str, int]:
    return {name: database.execute(f'select count(*) from "{name}"').fetchone()[0] for name in _tables(database)}


def _content(database: sqlite3.Connection) -> str:
    """A digest over every row but the seal's."""
    digest = hashlib.blake2b(digest_size=32)
    for name in _tables(database):
        digest.update(name.encode())
        seal = " where name <> 'backup'" if name == "meta" else ""
        for row in database.execute(f'select * from "{name}"{seal} order by rowid'):
            digest.update(marshal.dumps(row, 2))  # version 2 gives the same bytes for the same values, whatever Python
    return digest.hexdigest()


def _tables(database: sqlite3.Connection) -> list[str]:
    return [name for (name,) in database.execute("select name from sqlite_master where type = 'table' order by name")]


_ORPHANS = """
select (select count(*) from messages where arrival_id not in (select id from arrivals))
     + (select count(*) from deliveries where message_id not in (select id from messages))
     + (select count(*) from arrivals where dossier_id not in (select id from dossiers))
"""


def refuse_existing(file: Path, do: str = "name another file, or move it away") -> None:
    """Raises NotAllowed when something has the name already (or left its log there, which would be taken for this file's);
    ``do`` says what then."""
    if file.exists() or Path(f"{file}-wal").exists():
        raise NotAllowed(f"{file} is there already, and is not overwritten: {do}")


@contextlib.contextmanager
def new_beside(file: Path | None) -> Iterator[Path]:
    """An empty file that only its owner may read, in the folder of ``file`` (else of temporary files); gone at the end."""
    folder = Path(tempfile.gettempdir()) if file is None else file.parent
    try:
        number, name = tempfile.mkstemp(prefix=".part-of-hub-", dir=folder)
    except OSError as error:
        raise NotAllowed(f"no file can be made in {folder}: {error.strerror}") from error
    os.close(number)
    try:
        yield Path(name)
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            Path(name + end).unlink(missing_ok=True)


def publish(part: Path, file: Path) -> None:
    """Sync the file, then give it its name, unless somebody took that meanwhile."""
    with part.open("rb") as content:
        os.fsync(content.fileno())
    try:
        os.link(part, file)
    except FileExistsError:
        refuse_existing(file)
    except OSError:  # a file system without hard links
        refuse_existing(file)
        os.replace(part, file)
    sync_folder(file.parent)
