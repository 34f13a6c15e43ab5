"""How a file is refused: by size, type or hash, in words that say what to mend and show nothing of its content."""

from __future__ import annotations

from hub.errors import Problem, Refused, TooLarge, UnsupportedMediaType


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


def other_type(said: str, kind: str) -> FileTypeRefused:
    """Another type than was said."""
    text = f"it is said to be {said}, and its first bytes are those of {kind}"
    return FileTypeRefused([Problem("", "file_type_misfit", text, "send the file itself, or say what it is")])


def hash_misfit() -> FileRefused:
    """Another content than the hash says."""
    text = "the content has another SHA-256 than was said"
    return FileRefused([Problem("", "file_hash_misfit", text, "send the file again, whole and with its own hash")])


def empty() -> FileRefused:
    """No content at all."""
    return FileRefused([Problem("", "file_empty", "the file has no content", "send the file itself")])
