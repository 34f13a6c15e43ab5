"""Where a dossier names files: the results that it gives out, and the documents that were handed in, supplements included."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Which = Literal["results", "documents"]


@dataclass(frozen=True, slots=True)
class Paper:
    """A document or result that names a file: its JSON pointer, and the link."""

    pointer: str
    link: str


def papers(dossier: Mapping[str, Any], of: Collection[Which]) -> list[Paper]:
    """Those that name a file, in their order; a document that was deleted has none."""
    return [Paper(pointer, one["url"]) for pointer, one in _named(dossier, of) if one.get("url") and not one.get("deleted")]


def with_links(dossier: Any, links: Mapping[str, str]) -> None:
    """Put these links, by pointer, in the place of those that are there. Changes the dossier."""
    for pointer, one in _named(dossier, ("results", "documents")):
        if pointer in links:
            one["url"] = links[pointer]


def _named(dossier: Mapping[str, Any], of: Collection[Which]) -> Iterator[tuple[str, Any]]:
    for part in ("documents", "results"):
        if part in of:
            for index, one in enumerate(dossier.get(part, ())):
                yield f"/{part}/{index}", one
    if "documents" in of:
        for number, supplement in enumerate(dossier.get("supplements", ())):
            for index, one in enumerate(supplement.get("documents", ())):
                yield f"/supplements/{number}/documents/{index}", one
