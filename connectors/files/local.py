"""Files on this machine, or where its kernel takes them to be."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from connectors.files.place import Entry, Place, Signature
from hub.durable import sync_folder
from hub.errors import NotConnected


class LocalPlace(Place):
    """The file system of this machine. What is written and renamed is synced to disk, folders too."""

    def check(self, folder: Path, others: tuple[Path, ...] = ()) -> None:
        if not folder.is_dir():
            raise NotConnected("no_folder", "the folder is not there")
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise NotConnected("folder_rights", "the hub may not read and write the folder")
        if {one.stat().st_dev for one in others} - {folder.stat().st_dev}:
            raise NotConnected("folder_elsewhere", "done and failed must be on the same file system as the folder")

    def entries(self, folder: Path) -> Iterator[Entry]:
        with os.scandir(folder) as found:
            for one in found:
                with contextlib.suppress(FileNotFoundError):
                    yield _entry(one.name, one.stat(follow_symlinks=False))

    def entry(self, path: Path) -> Entry | None:
        try:
            return _entry(path.name, os.lstat(path))
        except FileNotFoundError:
            return None

    def open(self, path: Path) -> BinaryIO:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(number).st_mode):
            os.close(number)
            raise FileNotFoundError
        return os.fdopen(number, "rb", buffering=256 * 1024)

    def signature(self, opened: BinaryIO) -> Signature:
        return _signature(os.fstat(opened.fileno()))

    def create(self, path: Path, mode: int = 0o600) -> BinaryIO:
        path.unlink(missing_ok=True)
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb")

    def sync(self, opened: BinaryIO) -> None:
        opened.flush()
        os.fsync(opened.fileno())

    def rename(self, old: Path, new: Path) -> None:
        os.rename(old, new)

    def lasting(self, *folders: Path) -> None:
        for folder in folders:
            sync_folder(folder)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def make(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError


def _entry(name: str, found: os.stat_result) -> Entry:
    return Entry(name, stat.S_ISREG(found.st_mode), _signature(found))


def _signature(found: os.stat_result) -> Signature:
    return found.st_ino, found.st_size, found.st_mtime_ns
