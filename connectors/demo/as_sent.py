"""Says what the national portal must hold of what a unit's system told it through the hub: what was told, and nothing else.

The checker's own: it is given the packet that the unit made, and shares nothing with the hub. Two things are the hub's: the
names of procedure and field, which the unit took from the catalogue at the hub's door and which must be the portal's own, and
the mark of the registry, where that holds the owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.demo.evidence import Part
from connectors.demo.expected import Catalogue, NotAgreed
from connectors.demo.told import Registry


def expected_packet(packet: Mapping[str, Any], part: Part, catalogue: Catalogue, registry: Registry) -> dict[str, Any]:
    """The state or the step, without what is empty. Raises NotAgreed."""
    if part == "step":
        return _known(packet)
    if packet["MaTTHC"] not in catalogue.procedures:
        raise NotAgreed("MaTTHC")
    names = dict(zip(("TenTTHC", "MaLinhVuc", "TenLinhVuc"), catalogue.procedures[packet["MaTTHC"]], strict=True))
    owner = {
        "applicantIdType": {"1": "citizen", "2": "business"}.get(packet["LoaiDoiTuong"], ""),
        "applicantIdNo": packet["SoGiayToChuHoSo"],
        "applicantName": packet["ChuHoSo"],
    }
    consulted = [*packet["DSKetNoiCSDL"], *registry.consulted(owner)]
    return _known({**packet, **names, "DSKetNoiCSDL": consulted})


def _known(packet: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in packet.items() if value not in ("", [])}
