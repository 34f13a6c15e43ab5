"""The files of a hub as its configuration says, put together: what is kept, what is fetched, which links are signed."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection
from pathlib import Path
from weakref import WeakValueDictionary

from yarl import URL

from hub.claim_check import NOTHING, Stated, Stored, claimed
from hub.config import FilesConfig
from hub.errors import Problem
from hub.files.content import ContentStore
from hub.files.fetching import Fetching
from hub.files.kinds import TAKEN
from hub.files.links import Links
from hub.files.refusals import FileRefused, claim_misfit
from hub.files.stated import misfits
from hub.message import Clock
from hub.routing.routes import Enclose

REMEMBERED = 20_000
"""Of so many messages it is remembered which files were had for them."""


class KeptFiles:
    """``open`` first, ``close`` last. ``content``, ``links``: for the doors; ``obtain``, ``had``, ``named``: for what is sent.

    A file is had once for a message, whoever it is sent to: all are told of the same, though its address answers differently
    each time. What was had is forgotten by a restart.
    """

    def __init__(self, config: FilesConfig, home: Path, clock: Clock) -> None:
        self.config = config
        self.content = ContentStore(home / config.folder, config.max_bytes, config.types or TAKEN)
        self.links: Links | None = None
        if config.public_url is not None and config.signing_key is not None:
            key = config.signing_key.get_secret_value().encode()
            self.links = Links(config.public_url, key, config.url_days, clock)
        self._fetching = None if config.fetch is None else Fetching(config.fetch, self.content)
        self._had: OrderedDict[str, dict[tuple[str, Stated], Stored]] = OrderedDict()
        """By message, link and what is stated of the file."""
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def open(self) -> None:
        """Raises StoreUnavailable when the folder cannot be made."""
        self.content.open()
        if self._fetching is not None:
            await self._fetching.open()

    async def close(self) -> None:
        if self._fetching is not None:
            await self._fetching.close()

    @property
    def ways(self) -> Collection[str]:
        """How a route may name files (``as``)."""
        return ("claim",) if self.links is None else ("claim", "url")

    async def obtain(self, message: str, link: str, stated: Stated = NOTHING) -> Stored:
        """The file that a link of this message names, kept, whole and as stated: fetched when it is an address, looked at when
        it is a claim. Raises Refused, ``fetching.Unanswered``, StoreUnavailable.
        """
        async with self._turns.setdefault((message, link), asyncio.Lock()):
            found = self._had.get(message, {}).get((link, stated))
            if found is None or not (self.content.is_unchanged(found.sha256) or await self.content.is_whole(found.claim)):
                found = await self._obtained(link, stated)
                self._had.setdefault(message, {})[link, stated] = found
                self._had.move_to_end(message)
                while len(self._had) > REMEMBERED:
                    self._had.popitem(last=False)
            return found

    def had(self, message: str, link: str, stated: Stated = NOTHING) -> Stored | None:
        """The file that was had for this link of the message, and is as stated, if it lies still on the disk as it was."""
        found = self._had.get(message, {}).get((link, stated))
        return found if found is not None and self.content.is_unchanged(found.sha256) else None

    async def _obtained(self, link: str, stated: Stated) -> Stored:
        sha256 = claimed(link)
        if sha256 is None:
            if self._fetching is None:
                text, hint = "its url is no claim, and the hub fetches nothing", "set files.fetch, or send it to POST /v1/files"
                raise FileRefused([Problem("", "file_not_fetched", text, hint)])
            return await self._fetching.fetch(link, stated)
        if stated.sha256 not in (None, sha256):
            raise FileRefused([claim_misfit(stated.sha256, sha256)])
        if not await self.content.is_whole(link):
            text, hint = "the hub does not hold the file of its claim, whole", "send the file to POST /v1/files, then replay"
            raise FileRefused([Problem("", "file_not_there", text, hint)])
        found = await self.content.used(link)
        if problems := misfits(stated, found):
            raise FileRefused(problems)
        return found

    def named(self, file: Stored, how: Enclose) -> str:
        """The link by which a route names a file to its partner."""
        if how.as_ == "claim":
            return file.claim
        assert self.links is not None  # `hub check` saw to it
        return self.links.link(file.sha256)


def host_of(link: str) -> str | None:
    """The host that a link names; None for a claim or anything else."""
    try:
        return URL(link).raw_host
    except ValueError:
        return None
