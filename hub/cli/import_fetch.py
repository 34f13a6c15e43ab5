"""The file that an address gives: fetched whole into the folder of the import before the first row of it is sent."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from hub.cli.import_files import BadFile, Given
from hub.cli.import_state import held, written
from hub.durable import sync_folder
from hub.errors import Problem

_PIECE = 256 * 1024
MOST_BYTES = 64 * 1024 * 1024 * 1024
"""What an address may give at most."""


def is_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def copy_of(address: str, folder: Path) -> Given:
    """The file as it will be there; of what an address may hide, name and password or parameters, nothing is kept. Raises
    BadFile."""
    try:
        address.encode()
        parts = urlsplit(address)
    except ValueError:
        raise _not_given("it is no address") from None
    identity = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    if parts.query:
        identity += f"?{_digest(parts.query)}"
    name = parts.path.rstrip("/").rpartition("/")[2] or "download"
    return Given(folder / f"{_digest(identity)}-{_safe(name)}", name, identity)


async def fetch(address: str, given: Given, *, anew: bool) -> None:
    """It is there, whole, on return; one that is there from before is taken as it is, unless it is to be ``anew``. Who types
    the address names the host; no other one is asked, whatever it answers. Raises BadFile, StateNotWritten."""
    path = given.path
    draft = path.with_name(f".{path.name}.part")
    with written():
        if path.is_file() and not anew:
            return
        with held(draft) as file:
            try:
                if anew or not path.is_file():  # another import may just have ended to fetch it
                    file.truncate(0)
                    await _copy(address, file.write)
                    file.flush()
                    os.fsync(file.fileno())
                    draft.replace(path)
                    sync_folder(path.parent)
            finally:
                draft.unlink(missing_ok=True)


async def _copy(address: str, write: Callable[[bytes], object]) -> None:
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=60)
    asked = {"Accept-Encoding": "identity", "User-Agent": "dossier-hub"}
    size = 0
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, auto_decompress=False, headers=asked) as session,
            session.get(address, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise _not_given(f"it answers {answer.status}")
            async for piece in answer.content.iter_chunked(_PIECE):
                size += len(piece)
                if size > MOST_BYTES:
                    raise _not_given(f"it gives more than {MOST_BYTES} bytes")
                write(piece)
    except aiohttp.InvalidURL:
        raise _not_given("it is no address") from None
    except (aiohttp.ClientError, TimeoutError) as error:
        raise _not_given(f"it did not give the file whole ({type(error).__name__})") from None


def _not_given(why: str) -> BadFile:
    return BadFile([Problem("", "not_given", f"the address gives no file: {why}", "try it with curl, then run it again")])


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:16]


def _safe(name: str) -> str:
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "_" for sign in name)[-80:]
