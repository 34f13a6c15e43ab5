"""How the connector of files is put to the test: it writes messages into one folder, and reads files that lie in another."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from hub.testing.specimen import Sample, Specimen

_NAME, _CODE = "Trần Thị Mẫu Thử", "000.00.10.H22-261121-0001"


def specimen() -> Specimen:
    """Folders of this machine; there is no partner that one could talk to."""
    return Specimen(simulator=None, settings=_settings, samples=(_sample("2"), _sample("4")), personal=(_NAME,), arrivals=3)


def _settings(url: str, folder: Path) -> Mapping[str, Any]:
    inbox, outbox = folder / "inbox", folder / "outbox"
    if not inbox.exists():
        inbox.mkdir(parents=True)
        outbox.mkdir()
        _put(inbox / "first.jsonl", 2, _record("mau-1", "new"), _record("mau-2", "new"))
        _put(inbox / "second.jsonl", 1, _record("mau-1", "receiving"))
    read = {
        "folder": str(inbox), "sender": "land", "schema": "opencps-dossier@1", "format": "jsonl", "settle": 0.0, "poll": 0.05,
    }  # fmt: skip
    return {"read": read, "write": {"folder": str(outbox), "format": "json"}}


def _record(name: str, state: str) -> dict[str, str]:
    return {"referenceUid": name, "serviceCode": "2.000815", "dossierStatus": state, "applicantName": _NAME}


def _put(file: Path, seconds_ago: int, *records: dict[str, str]) -> None:
    file.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in records))
    then = time.time() - seconds_ago
    os.utime(file, (then, then))  # the older one is read first


def _sample(state: str) -> Sample:
    body = {"MaHoSo": _CODE, "ChuHoSo": _NAME, "TrangThaiHoSo": state}
    return Sample("npsp-dossier@1.0.0", body, {"national": _CODE}, full_state=True)
