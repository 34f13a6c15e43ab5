"""What a file is, by its first bytes: what somebody calls it is believed only as far as the bytes agree.

The table knows what people hand in and what offices give out; the signatures are those of the formats' own specifications.
"""

from __future__ import annotations

from collections.abc import Collection

HEAD = 4096
"""So many first bytes are looked at."""
UNKNOWN = "application/octet-stream"
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
"""The object identifier that begins a PKCS #7 signed message (RFC 5652)."""
_OLE = "application/x-ole-storage"
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLE),
)
_SAYS_NOTHING = (
    "",
    UNKNOWN,
    "binary/octet-stream",
    "application/download",
    "application/force-download",
    "application/x-download",
)
_PAGE = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<title")
_OOXML = "application/vnd.openxmlformats-officedocument."
_INSIDE: dict[str, tuple[str, ...]] = {
    "application/zip": (
        f"{_OOXML}wordprocessingml.document",
        f"{_OOXML}spreadsheetml.sheet",
        f"{_OOXML}presentationml.presentation",
        "application/vnd.oasis.opendocument.text",
        "application/x-edoc",
    ),
    _OLE: ("application/msword", "application/vnd.ms-excel"),
    "application/xml": ("text/xml",),
    "application/pkcs7-mime": ("application/x-pkcs7-mime", "application/pkcs7-signature", "application/x-pkcs7-signature"),
    "text/plain": ("text/csv",),
    "image/jpeg": ("image/jpg",),
}
"""Further types whose files begin alike."""
_WORDS = {"image/jpg": "image/jpeg", "text/xml": "application/xml", "application/x-pkcs7-mime": "application/pkcs7-mime"}
"""Other words for the same type."""
TAKEN = (
    "application/pdf", "application/zip", "image/png", "image/jpeg", "image/tiff", "application/xml", "application/pkcs7-mime",
    "application/msword", "application/vnd.ms-excel", *_INSIDE["application/zip"],
)  # fmt: skip
"""What is taken where the configuration says nothing else."""


def seen(head: bytes) -> str:
    """The media type that a file's first bytes show; ``UNKNOWN`` where they show none."""
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[:1] == b"\x30" and _SIGNED_DATA in head[:32]:
        return "application/pkcs7-mime"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"<?xml"):
        return "text/html" if any(one in text[:512] for one in _PAGE[:2]) else "application/xml"
    if text.startswith(_PAGE):
        return "text/html"
    return "text/plain" if head and b"\x00" not in head and _is_text(head) else UNKNOWN


def agreed(head: bytes, said: str | None) -> str | None:
    """The type of a file that somebody calls ``said`` (a media type, parameters allowed); None when its bytes say another."""
    return _settled(seen(head), said)


def agrees(kind: str, said: str) -> bool:
    """Whether a file that was kept as ``kind`` may be called ``said``: whether its first bytes say no other."""
    return _settled(next((shown for shown, inside in _INSIDE.items() if kind in inside), kind), said) is not None


def is_taken(kind: str, types: Collection[str]) -> bool:
    """Whether files of the type are among those taken, by whatever word; an OLE file counts as any taken one that is such."""
    return kind in types or _WORDS.get(kind) in types or (kind == _OLE and not {*_INSIDE[_OLE]}.isdisjoint(types))


def _settled(shown: str, said: str | None) -> str | None:
    said = (said or UNKNOWN).split(";")[0].strip().lower()
    if said in (*_SAYS_NOTHING, shown):
        return shown
    return said if said in _INSIDE.get(shown, ()) else None


def _is_text(head: bytes) -> bool:
    try:
        head[: HEAD - 4].decode()
    except UnicodeDecodeError as error:
        return error.end >= len(head) - 4 and error.reason == "unexpected end of data"
    return True
