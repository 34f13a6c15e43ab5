"""``POST /v1/files`` keeps a file and answers with its claim; ``GET /v1/files/{sha256}`` hands one out for a signed link.

The order of the first is that of a message: authenticate, what the client may still send, the right, a place, then the body in
pieces. 201 is written when the file is on disk under its hash; the same file again is the same claim. The second knows no keys:
the link is the right to one file until a day. Nothing lists files.

Answers: 201; 400 cut, not base64, another hash, a malformed header; 401, 403 key; 408 slow; 413 too large; 415 type; 429; 503
busy, store or disk. 200, 206; 403 a link that the hub did not sign; 404 the file is gone or
damaged; 410 the link expired; 416 range; 503 disk.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable

import orjson
from aiohttp import web

from hub.api.problems import problem
from hub.claim_check import PIECE, claim_of
from hub.errors import Busy, Refused, StoreUnavailable, TooMany, Transient
from hub.files.content import ContentStore
from hub.files.links import Links
from hub.files.refusals import too_large
from hub.intake.body import wait_with_continue
from hub.intake.doorway import Doorway
from hub.intake.gate import Gate, Room
from hub.intake.keys import require_files
from hub.intake.upload import pieces_of, said_of
from hub.observe.logging import get_logger

ROOM = Room(requests=32, bytes=32 * 4 * PIECE, waiting=64)
"""So many uploads at once, each with a few pieces in memory; one client alone gets half."""
_ENDINGS = {
    "application/pdf": ".pdf",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/tiff": ".tif",
    "application/zip": ".zip",
}
_log = get_logger(__name__)


class FileDoor:
    """Both paths; the second only with ``links``. ``seconds`` bounds one upload."""

    def __init__(self, files: ContentStore, links: Links | None, doorway: Doorway, seconds: float) -> None:
        self._files = files
        self._links = links
        self._doorway = doorway
        self._seconds = seconds
        self._gate = Gate(ROOM)

    def routes(self) -> Iterable[web.RouteDef]:
        """``POST``, and ``GET`` where links are signed."""
        yield web.post("/v1/files", self._post, expect_handler=wait_with_continue)
        if self._links is not None:
            yield web.get("/v1/files/{sha256:[0-9a-f]{64}}", self._get)

    async def _post(self, request: web.Request) -> web.Response:
        sender: str | None = None
        try:
            key = await self._doorway.keys.authenticate(request.headers)
            sender = key.name
            left = await self._doorway.allowances.take(sender)
            require_files(key)
            said = said_of(request)
            most = self._files.max_bytes
            if request.content_length is not None and request.content_length > (most * 3 // 2 if said.in_base64 else most):
                raise too_large(most)
            place = await self._gate.enter(sender, 4 * PIECE)
            try:
                pieces = pieces_of(request, self._seconds, in_base64=said.in_base64)
                found = await self._files.put(pieces, media_type=said.media_type, sha256=said.sha256)
            finally:
                place.leave()
        except Refused as error:
            if not isinstance(error, TooMany | Busy):
                _log.info("file refused", sender=sender, kind=error.kind, code=[one.code for one in error.problems])
            await self._doorway.slow_down(sender)
            raise
        _log.info("file taken", sender=sender, size=found.size)
        body = {"claim": found.claim, "sha256": found.sha256, "size": found.size, "media_type": found.media_type}
        return web.Response(status=201, body=orjson.dumps(body), headers=left, content_type="application/json")

    async def _get(self, request: web.Request) -> web.StreamResponse:
        assert self._links is not None
        sha256 = request.match_info["sha256"]
        verdict = self._links.verdict(sha256, request.query.get("expires", ""), request.query.get("signature", ""))
        if verdict == "forged":
            await self._doorway.slow_down(None)
            return problem(403, "link-not-signed", "Not a link of this hub", detail="take the link whole, as it was given")
        if verdict == "expired":
            return problem(410, "link-expired", "The link expired", detail="ask for the message to be sent again")
        claim = claim_of(sha256)
        try:
            about = await self._files.about(claim)
            whole = await asyncio.to_thread(self._files.is_unchanged, sha256) or await self._files.is_whole(claim)
        except Transient as error:
            if error.code == "file_unreadable":
                raise StoreUnavailable("files_folder", error.reason) from error
            whole = False
        if not whole:
            _log.warning("file not there, or damaged", digest=sha256[:16])
            return problem(404, "not-found", "Not found", detail="the hub does not hold this file any more")
        name = f"{sha256[:16]}{_ENDINGS.get(about.media_type, '')}"
        headers = {
            "Content-Type": about.media_type,
            "Content-Disposition": f'attachment; filename="{name}"',
            "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-store",
            "Referrer-Policy": "no-referrer",
        }
        return web.FileResponse(self._files.path(sha256), chunk_size=4 * PIECE, headers=headers)
