"""The business registry as the conformance suite tries it: its simulator, settings that reach it, numbers known and unknown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.business_registry.simulator import BusinessRegisterSimulator
from connectors.business_registry.simulator_config import BusinessRegisterConfig
from hub.testing.simulator import Simulator
from hub.testing.specimen import Specimen

_NUMBER, _NAME, _PERSON = "0100999995", "CÔNG TY TNHH CANARY", "Trần Thị Canary"
_UNKNOWN, _SECRET = "0312345673", "bi-mat-mau-thu"
_ENTERPRISE: dict[str, Any] = {
    "code": _NUMBER,
    "name": _NAME,
    "office": {
        "province_code": "01",
        "province": "Thành phố Hà Nội",
        "ward_code": "00990",
        "ward": "Phường Mô Phỏng",
        "house": "1",
    },
    "representatives": [{"name": _PERSON, "document_number": "001190990001"}],
}


def specimen() -> Specimen:
    """One enterprise that the registry knows, and a right number that nobody has."""
    return Specimen(
        simulator=_simulator,
        settings=_settings,
        queries=({"msdn": _NUMBER},),
        unknown_queries=({"msdn": _UNKNOWN},),
        personal=(_NUMBER, _UNKNOWN, _NAME, _PERSON),
        effect=lambda call: False,  # a question changes nothing
    )


def _simulator(folder: Path) -> Simulator[Any]:
    config = BusinessRegisterConfig.model_validate(
        {"enterprises": 0, "known_enterprises": [_ENTERPRISE], "consumer_secret": _SECRET}
    )
    return BusinessRegisterSimulator(config, folder / "business.jsonl")


def _settings(url: str, folder: Path) -> Mapping[str, Any]:
    account = {"kind": "oauth2", "token_url": f"{url}/token", "client_id": "simulated", "client_secret": _SECRET}
    return {"url": f"{url}/apiCSDLDKDN/1.0/chiTietDoanhNghiep", "shape": "ngsp", "account": account}
