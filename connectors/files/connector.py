"""Files as a partner: what another system leaves in a folder becomes arrivals, and messages become files in a folder."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from connectors.files import checks
from connectors.files.config import FilesConfig
from connectors.files.local import LocalPlace
from connectors.files.place import Place
from connectors.files.reading import RecordReader
from connectors.files.receiving import Receiving
from connectors.files.rehearsal import SampleFolder, sample_folder
from connectors.files.sending import Sending
from hub.connector import Accept, Attempt, Connector, ConnectorContext, Documents, Found, Receipt
from hub.errors import NotAsked, Problem
from hub.message import Message


class Files(Connector[FilesConfig]):
    """Reads the files that another system leaves in a folder (JSON, JSON Lines, XML or CSV), and writes messages into files;
    here or on an SFTP server.

    Under ``read``: each record of a file becomes an arrival, once in effect, in the order of the file; then the file goes to
    ``done``, and what was refused to ``failed``, with the reasons beside it. Under ``write``: each message of a route becomes
    a file of its own, whole or not there at all, under a name that a second try would give it too.
    """

    Config = FilesConfig

    def __init__(self, config: FilesConfig, context: ConnectorContext) -> None:
        super().__init__(config, context)
        self._place = _place(config)
        self._receiving = Receiving(config.read, self._place, context) if config.read else None
        self._sending = Sending(config.write, self._place) if config.write else None

    @classmethod
    def problems(cls, config: FilesConfig, sent: Collection[str], documents: Documents) -> Iterable[Problem]:
        """Schema, form and columns that do not go together; routes that lead to where nothing is written."""
        return checks.problems(config, sent, documents)

    @classmethod
    def sources(cls, config: FilesConfig) -> Mapping[str, str]:
        """The schema of the records that are read."""
        return {"read.schema": config.read.schema_} if config.read else {}

    @classmethod
    def sample(cls, settings: Mapping[str, Any], folder: Path) -> SampleFolder | None:
        """How a rehearsal has a sample read as this endpoint would (``hub.testing.samples``)."""
        return sample_folder(settings, folder)

    @classmethod
    def record_reader(cls, config: FilesConfig) -> RecordReader | None:
        """How `hub import` has a file read as this endpoint would (``hub.record_files``)."""
        return RecordReader(config.read) if config.read else None

    async def open(self) -> None:
        """Nothing to acquire: the folders may come later."""

    async def close(self) -> None:
        """Let go of the server."""
        await self._place.close()

    async def check(self) -> None:
        """Can the folders be read and written, and files moved? Makes the folders done and failed."""
        if self._receiving is not None:
            await self._receiving.check()
        if self._sending is not None:
            await self._sending.check()

    async def receive(self, accept: Accept) -> None:
        """Look for files again and again."""
        if self._receiving is not None:
            await self._receiving.run(accept)

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Write the message, or find that it is there already."""
        return await self._for_routes().send(message, attempt)

    async def find(self, message: Message, attempt: Attempt) -> Found | None:
        """Whether the file of this message is in the folder."""
        return await self._for_routes().find(message, attempt)

    def _for_routes(self) -> Sending:
        if self._sending is None:  # the settings were changed while messages for it were waiting
            raise NotAsked("no_write", "the settings of this endpoint say no folder to write into")
        return self._sending


def _place(config: FilesConfig) -> Place:
    if config.sftp is None:
        return LocalPlace()
    from connectors.files.sftp_place import SftpPlace  # only who needs SSH loads it

    return SftpPlace(config.sftp)
