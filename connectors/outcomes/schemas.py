"""Which entry of the settings a message belongs to: entries are named by schema, as exactly as their writer wants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import AfterValidator

from hub.message import SchemaRef

T = TypeVar("T")


def _reference(text: str) -> str:
    SchemaRef.parse(text)
    return text


Reference = Annotated[str, AfterValidator(_reference)]


def covers(reference: SchemaRef, schema: SchemaRef) -> bool:
    """Whether ``land@1`` means ``land@1.2.0``."""
    return reference.id == schema.id and f"{schema.version}.".startswith(f"{reference.version}.")


def entry_for(entries: Mapping[str, T], schema: SchemaRef) -> T | None:
    """The entry for a message of this schema: the one that names its version most exactly."""
    found = [(len(one.version), text) for text in entries if covers(one := SchemaRef.parse(text), schema)]
    return entries[max(found)[1]] if found else None
