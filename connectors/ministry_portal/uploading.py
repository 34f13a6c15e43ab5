"""Files of a message: each claim in it is uploaded once, and the ministry's id and hash take its place.

A file goes as multipart (RFC 7578), piece by piece, so that its size costs no memory. What was uploaded is remembered one by
one: a crash continues with the next. An upload whose answer is lost is made again; it leaves a file there that nothing names.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.ministry_portal.answers import field, word
from connectors.ministry_portal.exchange import Exchange
from hub.connector import Attempt, Files, Stored
from hub.errors import NotAsked, Rejected, Transient
from hub.message import new_id

FILES = "files"
"""The key under which an attempt remembers what is uploaded: claim → ``{"id": …, "hash": …}``."""
_CLAIM = "TepTin"


@dataclass(frozen=True, slots=True)
class Uploading:
    """The files of one attempt."""

    exchange: Exchange
    attempt: Attempt
    files: Files | None
    traceparent: str | None

    async def placed(self, body: Any) -> Any:
        """The body with ``IdGiayTo`` and ``HashTepTin`` in place of each ``TepTin``.

        Raises NotAsked (``no_files``: the hub holds none), Rejected (``file_hash``), Transient (``file_not_there``), and what
        the calls raise.
        """
        claims = list(dict.fromkeys(_claims(body)))
        if not claims:
            return body
        if self.files is None:
            raise NotAsked("no_files", "the message names files, and this hub holds none: see files in config.yaml")
        known: dict[str, Any] = dict(self.attempt.remembered.get(FILES, {}))
        for claim in claims:
            if claim not in known:
                known[claim] = await self._upload(self.files, claim, body)
                await self.attempt.remember(FILES, known)
        return _with_ids(body, known)

    async def _upload(self, files: Files, claim: str, sent: Any) -> dict[str, str]:
        stored = await files.about(claim)
        multipart = _Multipart(files, claim, stored)
        reply = await self.exchange.call(
            "POST", self.exchange.config.paths.upload, multipart.pieces, multipart.headers, effect=False,
            traceparent=self.traceparent,
        )  # fmt: skip
        if not reply.done:
            raise self.exchange.refusal(reply, {"body": sent})
        found = _uploaded(reply.data)
        if found is None:
            raise Transient("unreadable_answer", "UploadFile answered without IdTepTin")
        self._compare(found["hash"], stored.sha256, multipart.md5)
        return found

    def _compare(self, told: str, sha256: str, md5: str) -> None:
        """The hash that the ministry computed, in hex or base64, with that of what was sent."""
        kind = self.exchange.config.hash
        if kind == "none":
            return
        ours = sha256 if kind == "sha-256" else md5
        if told.lower() != ours.lower() and told != base64.b64encode(bytes.fromhex(ours)).decode():
            raise Rejected("file_hash", f"HashTepTin is not the {kind} of the file that was sent: see hash of the endpoint")


class _Multipart:
    """One file as a multipart body; ``md5`` is that of the pieces sent last."""

    def __init__(self, files: Files, claim: str, stored: Stored) -> None:
        self._files, self._claim = files, claim
        boundary = f"hub-{new_id()}"
        self._head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{stored.sha256[:16]}"\r\n'
            f"Content-Type: {stored.media_type}\r\n\r\n"
        ).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        size = len(self._head) + stored.size + len(self._tail)
        self.headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(size)}
        self.md5 = ""

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body, begun anew with each call."""
        digest = hashlib.md5(usedforsecurity=False)
        yield self._head
        async for piece in self._files.read(self._claim):
            digest.update(piece)
            yield piece
        self.md5 = digest.hexdigest()
        yield self._tail


def _uploaded(data: Any) -> dict[str, str] | None:
    """``{IdTepTin, HashTepTin}``: the first of data, bare or as data[0].response.data[0] (contracts.md 2.3)."""
    for _ in range(4):
        if isinstance(data, list) and data:
            data = data[0]
        if file_id := word(field(data, "IdTepTin")):
            return {"id": file_id, "hash": word(field(data, "HashTepTin"))}
        data = field(field(data, "response"), "data") if field(data, "response") is not None else field(data, "data")
    return None


def _claims(body: Any) -> Iterator[str]:
    if isinstance(body, Mapping):
        if isinstance(claim := body.get(_CLAIM), str):
            yield claim
        for value in body.values():
            yield from _claims(value)
    elif isinstance(body, list):
        for value in body:
            yield from _claims(value)


def _with_ids(body: Any, known: Mapping[str, Mapping[str, str]]) -> Any:
    if isinstance(body, list):
        return [_with_ids(value, known) for value in body]
    if not isinstance(body, Mapping):
        return body
    made = {name: _with_ids(value, known) for name, value in body.items() if name != _CLAIM}
    if isinstance(claim := body.get(_CLAIM), str):
        file = known[claim]
        made |= {"IdGiayTo": file["id"]} | ({"HashTepTin": file["hash"]} if file["hash"] else {})
    return made
