"""The dossiers that are sent: records as OpenCPS tells them, about 3 KB each, every one another dossier."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

import orjson

from connectors.opencps.stories import stories

SCHEMA = "opencps-dossier@1"
SIZE = 3_000
"""Bytes that a record has at least."""
_STORIES = 400
_PAPERS = ("Tờ khai", "Giấy tờ tùy thân", "Bản vẽ hiện trạng", "Hợp đồng", "Giấy ủy quyền", "Biên lai lệ phí")


def bodies(first: int, count: int) -> list[bytes]:
    """``count`` records of as many dossiers, their serial numbers from ``first`` on; the same on every machine."""
    kinds = _kinds()
    return [orjson.dumps(_numbered(kinds[serial % len(kinds)], serial)) for serial in range(first, first + count)]


def _numbered(kind: dict[str, Any], serial: int) -> dict[str, Any]:
    return {
        **kind,
        "referenceUid": str(UUID(int=0x5EED << 112 | serial, version=4)),
        "dossierNo": f"000.00.10.H22-261120-{serial:07}",
        "dossierId": serial,
        "dossierActionId": serial,
    }


@cache
def _kinds() -> list[dict[str, Any]]:
    """The last record of each story, with files added until it is large enough."""
    told = [story.records[-1] for story in stories(1, _STORIES, day=date(2026, 11, 20))]
    return [_with_files(record) for record in told]


def _with_files(record: dict[str, Any]) -> dict[str, Any]:
    files = list(record.get("files", ()))
    while len(orjson.dumps({**_numbered(record, 1), "files": files})) < SIZE:
        number = len(files)
        name = _PAPERS[number % len(_PAPERS)]
        files.append(
            {
                "dossierFileId": 5_000_000 + number, "referenceUid": str(UUID(int=number, version=4)),
                "dossierPartNo": f"TP{number + 1:02}", "dossierPartName": name, "dossierPartType": 1,
                "displayName": f"{name}.pdf", "fileType": "pdf", "fileSize": 200_000 + number, "isNew": "false",
                "removed": "false", "eForm": "false", "signCheck": 0, "createDate": record["createDate"],
                "modifiedDate": record["modifiedDate"],
            }
        )  # fmt: skip
    return {**record, "files": files}
