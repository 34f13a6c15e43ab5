"""Files of the simulated ministry portal: uploads, of which only size and hash are kept, and result files made from a seed."""

from __future__ import annotations

import asyncio
import hashlib
import random
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import BodyPartReader, MultipartReader, hdrs, payload, web
from aiohttp.abc import AbstractStreamWriter
from pydantic import BaseModel, ConfigDict, Field

from hub.testing.fault_play import Answer

_PIECE = 64 * 1024
_BEGINS = {"application/pdf": b"%PDF-1.7\n", "image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff\xe0"}


class NotMultipart(Exception):
    """A body that is no whole multipart form with files; the text says what is wrong."""


async def read_uploads(request: web.Request, field: str = "files") -> list[dict[str, Any]]:
    """``size``, ``sha256`` and ``media_type`` of every file of the form, read in pieces. Raises NotMultipart."""
    if request.content_type != "multipart/form-data":
        raise NotMultipart("phải là multipart/form-data")
    found: list[dict[str, Any]] = []
    try:
        async for part in _parts(await request.multipart()):
            size, digest = 0, hashlib.sha256()
            while piece := await part.read_chunk(_PIECE):
                size += len(piece)
                digest.update(piece)
            if part.name == field:
                media_type = part.headers.get(hdrs.CONTENT_TYPE, "application/octet-stream")
                found.append({"size": size, "sha256": digest.hexdigest(), "media_type": media_type})
    except (ValueError, OSError, web.RequestPayloadError) as error:
        raise NotMultipart("multipart không đọc được") from error
    if not found:
        raise NotMultipart(f"{field} thiếu trường bắt buộc")
    return found


async def _parts(form: MultipartReader) -> AsyncIterator[BodyPartReader]:
    while (part := await form.next()) is not None:
        if not isinstance(part, BodyPartReader):
            raise ValueError("a form inside a form")
        yield part


class ResultFile(BaseModel):
    """A file that the portal is to hold: its bytes follow from ``seed``, and begin as ``media_type`` does."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(default_factory=lambda: str(uuid.uuid4()), pattern=r"^[A-Za-z0-9._-]{1,100}$")
    size: int = Field(ge=0, le=1024**3)
    seed: int = 1
    media_type: str = "application/pdf"

    def pieces(self) -> Iterator[bytes]:
        """The content, 64 KiB at a time; the same for the same values."""
        made, begin, left = random.Random(self.seed), _BEGINS.get(self.media_type, b""), self.size
        while left > 0:
            piece = (begin + made.randbytes(_PIECE - len(begin)))[:left]
            begin, left = b"", left - len(piece)
            yield piece

    def sha256(self) -> str:
        """Of the content, as hex."""
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        return digest.hexdigest()

    def whole(self) -> Answer:
        """The file as an answer that lies in memory, for faults that cut it."""
        return Answer(b"".join(self.pieces()), "ok", content_type=self.media_type)

    def streamed(self) -> Answer:
        """The file as an answer that is made while it is sent."""
        return _Streamed(b"", "ok", content_type=self.media_type, file=self)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Streamed(Answer):
    file: ResultFile

    def response(self) -> web.Response:
        return web.Response(body=_Content(self.file), content_type=self.content_type)


class _Content(payload.Payload):
    """A result file on its way out: its length is told before its bytes are made."""

    def __init__(self, file: ResultFile) -> None:
        super().__init__(file, content_type=file.media_type)
        self._size = file.size

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("a file is not text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        for piece in self._value.pieces():
            await writer.write(piece)
            await asyncio.sleep(0)
