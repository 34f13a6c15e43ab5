"""Writing: each message becomes a file of its own, whole or not there at all, once in effect however often it is tried."""

from __future__ import annotations

import errno
from pathlib import Path

from connectors.files.config import WriteConfig
from connectors.files.place import Place
from connectors.files.sending_forms import form_of
from hub.connector import Attempt, Found, Receipt
from hub.errors import DeliveryError, InDoubt, NotAsked, NotConnected, Rejected
from hub.message import Message

_RENAMED = "renamed"
"""Remembered before a file gets its name: without it, a file that is not there never was."""


class Sending:
    """Writes messages into one folder.

    A file is written under a name that begins with a dot and ends in ``.part``, synced, and then given its own name. That name
    is made of what never changes: the message's number in its dossier, its id and its schema. So a second try makes the same
    file, or finds it there, and names in their order give each dossier's messages in theirs.
    """

    def __init__(self, config: WriteConfig, place: Place) -> None:
        self.config = config
        self._place = place
        self._form = form_of(config)

    async def check(self) -> None:
        """Can files be written into the folder? Raises NotConnected, AccountRefused."""
        await self._place.work(self._place.check, self.config.folder)

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Write the message, or find that it is there already."""
        content, path = self._form(message.body), self._path(message)
        if not await self._place.work(self._prepare, path, content):
            await attempt.remember(_RENAMED, path.name)
            await self._place.work(self._rename, path)
        return Receipt(reference=path.name)

    async def find(self, message: Message, attempt: Attempt) -> Found | None:
        """Whether the file of this message is in the folder, or where the partner puts what it took.

        It may be in neither because the partner took it away: then nobody can tell. That it was never given its name is
        certain as long as it lies there under the name of a draft, and when that was not even begun.
        """
        try:
            content = self._form(message.body)
        except NotAsked:  # the settings were changed since it was written
            return Found(None)
        return await self._place.work(self._look, self._path(message), content, _RENAMED in attempt.remembered)

    def _path(self, message: Message) -> Path:
        name = f"{message.seq:010d}-{message.id}-{message.schema.id}.{self.config.format}"
        return self.config.folder / name

    def _prepare(self, path: Path, content: bytes) -> bool:
        """Whether the file is there; else its draft is, on disk. Raises Rejected, NotConnected."""
        try:
            there = self._read(path)
            if there is None:
                with self._place.create(_draft(path), int(self.config.mode, 8)) as file:
                    file.write(content)
                    self._place.sync(file)
                self._place.lasting(path.parent)
                return False
            if there == content:
                self._place.lasting(path.parent)
        except OSError as error:  # nothing that anybody reads has changed
            raise _unusable(error) from None
        if there != content:
            raise Rejected("name_taken", "a file of this name is in the folder, with other content: see what wrote it")
        return True

    def _rename(self, path: Path) -> None:
        """Raises NotConnected, InDoubt."""
        try:
            self._place.rename(_draft(path), path)
        except (ConnectionError, TimeoutError):
            raise InDoubt("connection_lost", "the connection broke when the file was to get its name") from None
        except OSError as error:
            raise _unusable(error) from None
        try:
            self._place.lasting(path.parent)
        except OSError:
            raise InDoubt("not_synced", "the file got its name, and may lose it again when the machine fails") from None

    def _look(self, path: Path, content: bytes, renamed: bool) -> Found | None:
        """Raises NotConnected."""
        places = [path, *([self.config.taken / path.name] if self.config.taken else [])]
        try:
            for one in places:
                there = self._read(one)
                if there == content:
                    self._place.lasting(one.parent)
                    return Found(True, path.name)
                if there is not None:
                    return Found(False)
            if not renamed or self._place.entry(_draft(path)) is not None:
                return Found(False, called=False)
        except OSError as error:
            raise _unusable(error) from None
        return Found(None)

    def _read(self, path: Path) -> bytes | None:
        """None: nothing has this name. Raises OSError, Rejected."""
        found = self._place.entry(path)
        if found is None:
            return None
        if not found.is_file:
            return b""
        with self._place.open(path) as file:
            return file.read()


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _unusable(error: OSError) -> DeliveryError:
    """No message is to blame: it waits until the folder can be written again."""
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return NotConnected("no_folder", "the folder is not there")
        case PermissionError():
            return NotConnected("folder_rights", "the hub may not read and write the folder")
        case ConnectionError() | TimeoutError():
            return NotConnected("connection_lost", "the connection broke before the file got its name")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NotConnected("disk_full", "there is no room for the file")
    if error.errno == errno.EROFS:
        return NotConnected("folder_rights", "the folder can only be read")
    return NotConnected("folder_unusable", f"the file cannot be written ({errno.errorcode.get(error.errno or 0, 'unknown')})")
