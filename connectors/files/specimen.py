"""How the connector of files is put to the test: it writes messages into one folder, and reads a file that lies in another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from hub.testing.specimen import Sample, Specimen

_NAME, _CODE = "Trần Thị Mẫu Thử", "000.00.10.H22-261121-0001"


def specimen() -> Specimen:
    """Folders of this machine; there is no partner that one could talk to."""
    return Specimen(simulator=None, settings=_settings, samples=(_sample("2"), _sample("4")), personal=(_NAME,))


def _settings(url: str, folder: Path) -> Mapping[str, Any]:
    inbox, outbox = folder / "inbox", folder / "outbox"
    if not inbox.exists():
        inbox.mkdir(parents=True)
        outbox.mkdir()
        (inbox / "first.jsonl").write_bytes(orjson.dumps({"referenceUid": "mau-1", "applicantName": _NAME}) + b"\n")
    read = {
        "folder": str(inbox), "sender": "land", "schema": "opencps-dossier@1", "format": "jsonl", "settle": 0.0, "poll": 0.05,
    }  # fmt: skip
    return {"read": read, "write": {"folder": str(outbox), "format": "json"}}


def _sample(state: str) -> Sample:
    body = {"MaHoSo": _CODE, "ChuHoSo": _NAME, "TrangThaiHoSo": state}
    return Sample("npsp-dossier@1.0.0", body, {"national": _CODE}, full_state=True)
