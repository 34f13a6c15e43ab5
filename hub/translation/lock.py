"""Keeps released schemas as they were: ``schemas/schemas.lock`` has the digest of every released file, imported ones too."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from hub.errors import Problem

LOCK = "schemas.lock"
_LINE = re.compile(r"([0-9a-f]{64})  ([a-z0-9][a-z0-9-]*(?:/[^/\s]+)+)")
_HINT = "add a new version instead of changing a released one"


def lock_schemas(home: Path) -> Path:
    """Writes ``schemas/schemas.lock`` of a hub home: one line per file, sorted by name. Gives the lock's path."""
    folder = home / "schemas"
    lines = [f"{_digest(path)}  {name}\n" for name, path in sorted(_files(folder).items())]
    target = folder / LOCK
    target.write_text("".join(lines), encoding="utf-8")
    return target


def check_lock(home: Path, shown: str) -> list[Problem]:
    """What disagrees between lock and files; nothing when the home has no lock. ``shown`` is the lock's name."""
    folder = home / "schemas"
    lock = folder / LOCK
    if not lock.is_file():
        return []
    problems: list[Problem] = []

    def wrong(name: str, code: str, message: str, hint: str, where: str) -> None:
        problems.append(Problem(name, code, message, hint, where))

    files = _files(folder)
    listed: set[str] = set()
    for number, line in enumerate(lock.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        found = _LINE.fullmatch(line)
        where = f"{shown}:{number}"
        if found is None:
            wrong(LOCK, "bad_lock", "the line is not `<sha256>  <id>/<file>`", "restore the line", where)
            continue
        digest, name = found.groups()
        if name in listed:
            wrong(name, "bad_lock", "the file is listed twice", "keep the first line", where)
        elif name not in files:
            wrong(name, "schema_gone", "a released schema is missing", "restore the file", where)
        elif _digest(files[name]) != digest:
            wrong(name, "schema_changed", "a released schema was changed", _HINT, where)
        listed.add(name)
    for name in sorted(files.keys() - listed):
        hint = f"{_HINT}; a new version is released by adding its line"
        wrong(name, "schema_unlisted", "the schema is not in the lock", hint, shown)
    return problems


def _files(folder: Path) -> dict[str, Path]:
    found = {path.relative_to(folder).as_posix(): path for path in folder.glob("*/**/*") if path.is_file()}
    return {name: path for name, path in found.items() if "/." not in f"/{name}"}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
