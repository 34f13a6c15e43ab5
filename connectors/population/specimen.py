"""How the connector of the population registry is put to the test: people whom the registry knows, and one it does not.

``specimen`` goes through a province's LGSP, with a token; ``direct`` goes to the data sharing platform itself.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from connectors.population.simulator import PopulationSimulator
from connectors.population.simulator_config import PopulationSimulatorConfig
from hub.testing.specimen import Specimen

_NAME, _NUMBER, _OLD, _OFFICER = "Nguyễn Thị Đan Mẫu", "001190990001", "990000001", "001080990099"
_UNKNOWN = "001190990009"
_SECRET = "khoa-bi-mat-mau-thu"
_LGSP = dict.fromkeys(("AccessKey", "SecretKey", "AppName", "PartnerCode", "PartnerCodeCus"), "simulated")
_LGSP["SecretKey"] = _SECRET
_PERSON = {"number": _NUMBER, "old_number": _OLD, "name": _NAME, "birth": "1990-01-31", "gender": "2"}


def specimen() -> Specimen:
    """Through the LGSP. A question leaves a line in the registry's record, and changes nothing that it knows."""
    return _specimen(_through_lgsp)


def direct() -> Specimen:
    """To the data sharing platform."""
    return _specimen(_directly)


def _specimen(settings: Any) -> Specimen:
    return Specimen(
        simulator=_registry,
        settings=settings,
        queries=(_question(_NUMBER), _question(None)),
        unknown_queries=(_question(_UNKNOWN),),
        personal=(_NAME, _NAME.upper(), _NUMBER, _OLD, _UNKNOWN),
        effect=lambda call: False,
    )


def _registry(folder: Path) -> PopulationSimulator:
    secrets = dict.fromkeys(("consumer_secret", "lgsp_secret_key", "secret_key", "api_key"), _SECRET)
    given = {"people": 0, "known_people": [_PERSON], "officer_keys": {"mau": _SECRET}, "quote_values": True, **secrets}
    return PopulationSimulator(PopulationSimulatorConfig.model_validate(given), folder / "registry.jsonl")


def _question(number: str | None) -> dict[str, Any]:
    return {
        "MaYeuCau": "yc-1", "MaDVC": "1.001193", "MaCanBo": _OFFICER, "HoVaTen": _NAME,
        "NgayThangNamSinh": {"NgayThangNam": "19900131"},
        **({"SoCMND": _OLD} if number is None else {"SoDinhDanh": number}),
    }  # fmt: skip


_SENDER = {"unit_code": "H22.1", "account_name": "simulated", "phone": "0"}


def _through_lgsp(url: str, folder: Path) -> Mapping[str, Any]:
    account = {
        "token_url": f"{url}/token", "consumer_key": "simulated", "consumer_secret": _SECRET, "auth_key": f"mau:{_SECRET}",
        "lgsp_access_token": base64.b64encode(orjson.dumps(_LGSP)).decode(),
    }  # fmt: skip
    return {"url": f"{url}/lgsp/dancu", "through": "lgsp", "lgsp": account, **_SENDER}


def _directly(url: str, folder: Path) -> Mapping[str, Any]:
    account = {
        "username": "simulated", "secret_key": _SECRET, "auth_url": "http://ndxp.invalid/auth", "api_key": _SECRET,
        "x_road_client": "VN/GOV/000.00.00.H22/simulated",
    }  # fmt: skip
    return {"url": f"{url}/dancu", "through": "direct", "direct": account, **_SENDER}
