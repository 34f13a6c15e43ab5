"""Where a dossier names files: the results that it gives out, and the documents that were handed in, supplements included."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hub.claim_check import Stated

Which = Literal["results", "documents"]


@dataclass(frozen=True, slots=True)
class Paper:
    """A document or result that names a file: its JSON pointer, the link, and what is stated of the file."""

    pointer: str
    link: str
    stated: Stated


def papers(dossier: Mapping[str, Any], of: Collection[Which]) -> list[Paper]:
    """Those that name a file, in their order; a document that was deleted has none."""
    return [
        Paper(pointer, one["url"], _stated(one))
        for pointer, one in _named(dossier, of)
        if one.get("url") and not one.get("deleted")
    ]


def with_links(dossier: Any, links: Mapping[str, str]) -> None:
    """Put these links, by pointer, in the place of those that are there. Changes the dossier."""
    for pointer, one in _named(dossier, ("results", "documents")):
        if pointer in links:
            one["url"] = links[pointer]


def _stated(one: Mapping[str, Any]) -> Stated:
    """What is no text, or no whole number, states nothing: an operator's own schema may use these names for something else."""
    size = one.get("size")
    if isinstance(size, float) and size.is_integer():
        size = int(size)
    is_whole = isinstance(size, int) and not isinstance(size, bool)
    return Stated(_text(one.get("sha256")), size if is_whole else None, _text(one.get("media_type")))


def _text(given: Any) -> str | None:
    return given if isinstance(given, str) else None


def _named(dossier: Mapping[str, Any], of: Collection[Which]) -> Iterator[tuple[str, Any]]:
    for part in ("documents", "results"):
        if part in of:
            for index, one in enumerate(dossier.get(part, ())):
                yield f"/{part}/{index}", one
    if "documents" in of:
        for number, supplement in enumerate(dossier.get("supplements", ())):
            for index, one in enumerate(supplement.get("documents", ())):
                yield f"/supplements/{number}/documents/{index}", one
