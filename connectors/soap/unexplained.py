"""What is said of a SOAP answer that no row explains: also what of it the WSDL does not know, and so was not read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.outcomes.pointers import holder_of
from connectors.outcomes.unexplained import NO_ROW, WRITE_A_ROW, Mask, listed, said_at
from connectors.soap.answer import Heard
from connectors.soap.table import Row

UNSURE = "whether a row fits cannot be told"
MEND_THE_WSDL = "compare the answer with the WSDL: names, namespaces"


def unexplained(heard: Heard, rows: Iterable[Row], sent: Any, mask: Mask, *, sure: bool) -> str:
    """Why no row decides, what the partner said at the places of the rows, and what to do; its parts by semicolons.

    ``sure``: no row fits; else one may, by what stands in places that the WSDL does not know.
    """
    skipped = [place for places in heard.skipped.values() for place in places]
    told = said_at(heard, [row for row in rows if not row.names_fault], sent, mask)
    parts = [NO_ROW if sure else UNSURE, *told]
    if skipped:
        parts.append(f"the WSDL does not know {listed(_with_name_masked(place, mask) for place in skipped)} of the answer")
    parts.append(WRITE_A_ROW if sure else MEND_THE_WSDL)
    return "; ".join(parts)


def _with_name_masked(place: str, mask: Mask) -> str:
    """The places are those of the WSDL, their last name is the partner's."""
    name = place.rpartition("/")[2]
    return f"{holder_of(place)}/{name if mask(name) == name else '‹masked›'}"
