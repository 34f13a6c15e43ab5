"""Orders versions and picks the newest that a reference such as ``dossier@1`` allows."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hub.message import SchemaRef

_FULL = re.compile(r"(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)", re.ASCII)


def is_full(version: str) -> bool:
    """True for ``major.minor.patch``, the only form a file may be named by."""
    return _FULL.fullmatch(version) is not None


def order(ref: SchemaRef) -> tuple[int, ...]:
    """Sort key: numbers, not text, so that 1.10.0 is newer than 1.9.0."""
    return tuple(int(part) for part in ref.version.split("."))


def allows(wanted: SchemaRef, exact: SchemaRef) -> bool:
    """Does ``wanted`` (``x@1``, ``x@1.2``, ``x@1.2.3``) allow the exact reference?"""
    return wanted.id == exact.id and order(exact)[: len(parts := order(wanted))] == parts


def same_major(one: SchemaRef, other: SchemaRef) -> bool:
    """Are they versions of one schema that may differ in minor and patch alone?"""
    return one.id == other.id and order(one)[0] == order(other)[0]


def newest(wanted: SchemaRef, known: Iterable[SchemaRef]) -> SchemaRef | None:
    """The newest of ``known`` that ``wanted`` allows, None if there is none."""
    return max((ref for ref in known if allows(wanted, ref)), key=order, default=None)
