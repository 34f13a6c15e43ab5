"""Keeps what is released as it was: two locks have the digest of every released schema, mapping and code table of a home.

``schemas/schemas.lock`` lists the files that a schema imports too, ``mappings/mappings.lock`` no draft and no table that was
fetched. A released mapping's ``status`` may still change, from stable to deprecated.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from hub import strictyaml
from hub.durable import write_whole
from hub.errors import BadConfig, Problem

_LINE = re.compile(r"([0-9a-f]{64})  ([a-z0-9][a-z0-9-]*(?:/[^/\s]+)+)")
_STATUS = re.compile(rb"(?m)^status:[ \t]*(stable|deprecated)[ \t]*\r?$")
_STATUS_TAKEN_OUT = b"\0"
"""No YAML has it, so that no other file comes out the same."""
_HINT = "add a new version instead of changing a released one"
_NEW = f"{_HINT}; a new version is released by `hub release`"
UNRELEASED = ("schema_unlisted", "mapping_unlisted")
"""Codes of what is new: wrong for ``hub check``, and what ``hub release`` is for."""


@dataclass(frozen=True, slots=True)
class _Lock:
    """One lock: where it stands, and what is said (code, text, hint) of a file that does not agree with it."""

    folder: str
    gone: tuple[str, str, str]
    changed: tuple[str, str, str]
    unlisted: tuple[str, str, str]

    @property
    def name(self) -> str:
        return f"{self.folder}/{self.folder}.lock"

    def files(self, home: Path) -> dict[str, Path]:
        """Every file that belongs into the lock once it is released, by its name there."""
        folder = home / self.folder
        patterns = ("*/**/*",) if self.folder == "schemas" else ("*/*.yaml", "tables/*/*.yaml")
        found = (path for pattern in patterns for path in folder.glob(pattern) if path.is_file())
        named = {path.relative_to(folder).as_posix(): path for path in found}
        return {name: path for name, path in sorted(named.items()) if "/." not in f"/{name}"}


_LOCKS = (
    _Lock(
        "schemas",
        ("schema_gone", "a released schema is missing", "restore the file"),
        ("schema_changed", "a released schema was changed", _HINT),
        ("schema_unlisted", "the schema is not in the lock", _NEW),
    ),
    _Lock(
        "mappings",
        ("mapping_gone", "a released mapping or table is missing", "restore the file"),
        ("mapping_changed", "a released mapping or table was changed", _HINT),
        ("mapping_unlisted", "the mapping or table is not in the lock", _NEW),
    ),
)


def lock_schemas(home: Path) -> Path:
    """Writes ``schemas/schemas.lock`` of a home anew: one line per file, sorted by name. Gives the lock's path."""
    with _alone(home):
        (home / _LOCKS[0].name).unlink(missing_ok=True)
        _add(home, _LOCKS[0], _unlisted(home, _LOCKS[0]))
    return home / _LOCKS[0].name


def unreleased(home: Path) -> dict[str, list[str]]:
    """What ``release`` would add: the lock's name → names of files. A home without a lock has released nothing yet."""
    return {lock.name: names for lock in _LOCKS if (names := _unlisted(home, lock))}


def release(home: Path, new: dict[str, list[str]]) -> None:
    """Adds a line for each of these files (see ``unreleased``) that still has none; no line that is there changes. To be called
    where ``check_locks`` finds nothing else. Waits for a release that goes on. Raises OSError."""
    with _alone(home):
        for lock in _LOCKS:
            if names := [name for name in _unlisted(home, lock) if name in new.get(lock.name, ())]:
                _add(home, lock, names)


def check_locks(home: Path, shown: Callable[[str], str]) -> list[Problem]:
    """What disagrees between locks and files; nothing where the home has no lock. ``shown``: how a file is named to people."""
    return [one for lock in _LOCKS if (home / lock.name).is_file() for one in _check(home, lock, shown(lock.name))]


def _check(home: Path, lock: _Lock, shown: str) -> list[Problem]:
    problems: list[Problem] = []

    def wrong(name: str, code: str, message: str, hint: str, where: str) -> None:
        problems.append(Problem(name, code, message, hint, where))

    files = lock.files(home)
    listed: set[str] = set()
    for number, line in enumerate((home / lock.name).read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        found = _LINE.fullmatch(line)
        where = f"{shown}:{number}"
        if found is None:
            at = lock.name.partition("/")[2]
            wrong(at, "bad_lock", "the line is not `<sha256>  <id>/<file>`", "restore the line", where)
            continue
        digest, name = found.groups()
        if name in listed:
            wrong(name, "bad_lock", "the file is listed twice", "keep the first line", where)
        elif name not in files:
            wrong(name, *lock.gone, where)
        elif _digest(lock, files[name]) != digest:
            wrong(name, *lock.changed, where)
        listed.add(name)
    for name in _unlisted(home, lock):
        wrong(name, *lock.unlisted, shown)
    return problems


def _unlisted(home: Path, lock: _Lock) -> list[str]:
    listed = {line.partition("  ")[2] for line in _lines(home / lock.name)}
    return [name for name, path in lock.files(home).items() if name not in listed and not _is_unreleased(lock, path)]


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One at a time reads the locks of a home and writes them anew."""
    folder = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _add(home: Path, lock: _Lock, names: Sequence[str]) -> None:
    files = lock.files(home)
    lines = [*_lines(home / lock.name), *(f"{_digest(lock, files[name])}  {name}" for name in names)]
    lines.sort(key=lambda line: line.partition("  ")[2])
    (home / lock.folder).mkdir(parents=True, exist_ok=True)
    write_whole(home / lock.name, "".join(f"{line}\n" for line in lines).encode())


def _lines(lock: Path) -> list[str]:
    return lock.read_text(encoding="utf-8", errors="replace").splitlines() if lock.is_file() else []


def _is_unreleased(lock: _Lock, path: Path) -> bool:
    """A draft, a table that was fetched, and what cannot be read: that is for whoever reads it to say."""
    said = _said(path.read_bytes()) if lock.folder == "mappings" else {}
    return said is None or said.get("status") == "draft" or "fetched" in said


def _digest(lock: _Lock, path: Path) -> str:
    """Of the file as it is; the status is left out where one line has it and nothing else could be meant."""
    data = path.read_bytes()
    lines = _STATUS.findall(data) if lock.folder == "mappings" else []
    if len(lines) == 1 and (_said(data) or {}).get("status") == lines[0].decode():
        data = _STATUS.sub(_STATUS_TAKEN_OUT, data)
    return hashlib.sha256(data).hexdigest()


@lru_cache(maxsize=200)
def _said(data: bytes) -> dict[str, Any] | None:
    """What stands at the top of a mapping or a table, None if it is neither."""
    try:
        body = strictyaml.parse(data, "").data
    except BadConfig:
        return None
    return {name: body.get(name) for name in ("status", "fetched") if name in body} if isinstance(body, dict) else None
