"""How the connector for JSON partners is put to the test: a local one-stop system, a filed dossier and a later state of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.rest.simulator import LocalSystem
from connectors.rest.simulator_config import LocalSystemConfig
from hub.testing.specimen import Sample, Specimen

_CODE = "000.00.10.H22-261121-0001"
_NAME, _NUMBER, _PHONE, _MAIL = "Trần Thị Mẫu Thử", "001099123456", "0912345678", "mau.thu@example.vn"
_KEY = "khoa-mau-thu-cua-don-vi"


def local_system(url: str, key: str) -> dict[str, Any]:
    """The settings of an endpoint for the one-stop system at this address: its dialect, row by row."""
    return {
        "url": f"{url}/api",
        "account": {"kind": "api_key", "header": "X-Api-Key", "value": key},
        "check": "/status",
        "operations": {
            "one-stop-filing@1": {
                "path": "/filings",
                "reference": "/receiptNumber",
                "ids": {"local-system": "/receiptNumber"},
                "find": {
                    "path": "/filings/{/code}",
                    "rows": [
                        {"status": "404", "then": "nothing"},
                        {"at": "/filing/state", "same_as": "/state", "then": "holds"},
                        {"at": "/filing/state", "present": True, "then": "holds_not"},
                    ],
                    "reference": "/receiptNumber",
                },
            }
        },
        "outcomes": [
            {"at": "/result", "in": ["accepted", "changed"], "then": "accepted"},
            {"at": "/result", "equals": "exists", "then": "duplicate"},
            {
                "status": "422", "at": "/error/code", "present": True, "then": "rejected",
                "code_at": "/error/code", "reason_at": "/error/message",
            },
        ],
    }  # fmt: skip


def specimen() -> Specimen:
    """A one-stop system that quotes the owner where it refuses."""
    return Specimen(
        simulator=_system,
        settings=_settings,
        samples=(
            Sample("one-stop-filing@1.0.0", _filing("new"), {"national": _CODE}, full_state=True),
            Sample("one-stop-filing@1.0.0", _filing("withdrawn"), {"national": _CODE}, full_state=True),
        ),
        personal=(_NAME, _NUMBER, _PHONE, _MAIL),
    )


def _system(folder: Path) -> LocalSystem:
    return LocalSystem(LocalSystemConfig(api_key=_KEY, quote_values=True), folder / "local-system.jsonl")


def _settings(url: str, folder: Path) -> Mapping[str, Any]:
    return local_system(url, _KEY)


def _filing(state: str) -> dict[str, Any]:
    return {
        "code": _CODE,
        "procedure_code": "1.001193",
        "state": state,
        "filed_at": "2026-11-21T07:45:00+07:00",
        "filed_at_portal": True,
        "owner_kind": "citizen",
        "owner_name": _NAME,
        "owner_number": _NUMBER,
        "phone": _PHONE,
        "email": _MAIL,
    }
