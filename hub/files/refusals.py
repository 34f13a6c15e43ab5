"""How a file is refused: by size, type or hash, in words that say what to mend and show nothing of its content."""

from __future__ import annotations

import re

from hub.errors import Problem, Refused, TooLarge, UnsupportedMediaType

_MEND = "send it again, whole and with what is true of it; or put the file that is meant where its url leads, then replay"
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,80}")


class FileRefused(Refused):
    """Its content is not what was said of it, or nothing."""

    kind, title = "file-refused", "The file was refused"


class FileTooLarge(TooLarge):
    """It is larger than ``files.max_bytes``."""

    kind, title = "file-too-large", "The file is too large"


class FileTypeRefused(UnsupportedMediaType):
    """It is of a type that is not taken, or not of the one that was said."""

    kind, title = "file-type-not-taken", "Files of this type are not taken"


def too_large(most: int) -> FileTooLarge:
    """More than ``most`` bytes."""
    hint = "send a smaller file, or let the operator raise files.max_bytes"
    return FileTooLarge([Problem("", "file_too_large", f"the file is larger than {most} bytes", hint)])


def not_taken(kind: str) -> FileTypeRefused:
    """A type that ``files.types`` does not name."""
    hint = "send it as one of the types that the hub takes (files.types in config.yaml)"
    return FileTypeRefused(
        [Problem("", "file_type_not_taken", f"its first bytes are those of {kind}, which is not taken", hint)]
    )


def other_type(said: str, kind: str, at: str = "") -> FileTypeRefused:
    """Another type than was said; ``at`` is the field that said it."""
    word = said.split(";")[0].strip().lower()
    word = word if _MEDIA_TYPE.fullmatch(word) else "another type"
    text = f"it is said to be {word}, and its first bytes are those of {kind}"
    return FileTypeRefused([Problem(at, "file_type_misfit", text, "send the file itself, or say what it is")])


def too_large_as_stated(size: int, most: int) -> FileTooLarge:
    """Its sender states more than ``most`` bytes."""
    text = f"it is stated to have {size} bytes, more than the {most} that are taken"
    hint = "send a smaller file, or let the operator raise files.max_bytes"
    return FileTooLarge([Problem("size", "file_too_large", text, hint)])


def hash_misfit(stated: str, found: str) -> Problem:
    """Another content than the hash says."""
    text = f"it is stated to have the SHA-256 {_begin(stated)}, and has {_begin(found)}"
    return Problem("sha256", "file_hash_misfit", text, _MEND)


def size_misfit(stated: int, found: int | None) -> Problem:
    """Another size than was said; None: more, nobody counted how many."""
    text = f"it is stated to have {stated} bytes, and has {'more' if found is None else found}"
    return Problem("size", "file_size_misfit", text, _MEND)


def claim_misfit(stated: str, claimed: str) -> Problem:
    """The claim of one content, and the hash of another beside it."""
    text = f"it is stated to have the SHA-256 {_begin(stated)}, and the claim in its url is that of {_begin(claimed)}"
    return Problem("sha256", "file_claim_misfit", text, "send the dossier again with the claim and the hash of one file")


def empty() -> FileRefused:
    """No content at all."""
    return FileRefused([Problem("", "file_empty", "the file has no content", "send the file itself")])


def _begin(sha256: str) -> str:
    """Enough to tell two contents apart; the whole of it would be the name by which the file can be announced."""
    return f"{sha256[:16]}…"
