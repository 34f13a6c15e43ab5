"""Takes the files out of a filed dossier: each TaiLieuNop.Base64 becomes the claim of the file, the bytes go their own way."""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.claim_check import PIECE, claim_of

PAPERS, CONTENT = "TaiLieuNop", "Base64"
_LETTERS = PIECE // 3 * 4
"""So many letters of base64 are one piece of bytes."""


class NotBase64(ValueError):
    """A content that cannot be read; ``at``: its place, such as TaiLieuNop.0.Base64."""

    def __init__(self, at: str) -> None:
        self.at = at
        super().__init__()


@dataclass(frozen=True, slots=True)
class Paper:
    """One file that came along. ``sha256`` of its bytes in 64 hex digits."""

    at: str
    sha256: str
    _letters: str = field(repr=False)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Its bytes."""
        for piece in _pieces(self._letters):
            yield piece


def taken_out(filed: Mapping[str, Any]) -> tuple[dict[str, Any], list[Paper]]:
    """The filed dossier with claims in place of contents, and the files. What has not the form of the contract is left as it
    is, to be refused by the schema. Raises NotBase64."""
    listed = filed.get(PAPERS)
    if not isinstance(listed, list):
        return dict(filed), []
    papers: list[Paper] = []
    left: list[Any] = []
    for number, item in enumerate(listed):
        letters = item.get(CONTENT) if isinstance(item, Mapping) else None
        if not isinstance(letters, str) or not letters.strip():
            left.append(item)
            continue
        paper = _paper(f"{PAPERS}.{number}.{CONTENT}", letters)
        papers.append(paper)
        left.append({**item, CONTENT: claim_of(paper.sha256)})
    return {**filed, PAPERS: left}, papers


def _paper(at: str, letters: str) -> Paper:
    letters = "".join(letters.split())
    digest = hashlib.sha256()
    try:
        for piece in _pieces(letters):
            digest.update(piece)
    except ValueError:  # binascii's, or of letters outside ASCII
        raise NotBase64(at) from None
    return Paper(at, digest.hexdigest(), letters)


def _pieces(letters: str) -> Iterator[bytes]:
    last = len(letters) - _LETTERS
    for start in range(0, len(letters), _LETTERS):
        piece = binascii.a2b_base64(letters[start : start + _LETTERS], strict_mode=True)
        if start < last and len(piece) != PIECE // 3 * 3:
            raise ValueError("it ends before its end")
        yield piece
