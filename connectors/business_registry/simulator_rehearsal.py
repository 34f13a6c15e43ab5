"""How the simulated business register stands in for the register of a configured endpoint: same addresses, no secret."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from hub.testing.simulator import Rehearsal, Table

_SECRET = "rehearsal"
_FIVE = {
    "AccessKey": "lgsp_access_key", "SecretKey": "lgsp_secret_key", "AppName": "lgsp_app_name",
    "PartnerCode": "lgsp_partner_code", "PartnerCodeCus": "lgsp_partner_code_cus",
}  # fmt: skip
_TAKEN = {"shape": "shape", "verb": "method", "number_field": "parameter", "number_in": "post_as"}
_SHAPES = {"province": "provincial"}
_ELSEWHERE = ("ca_file", "client_certificate", "client_key", "check_url", "reached")
_PATH = re.compile(r"(?!/_control)(/[A-Za-z0-9._~:-]+)+")
_DEFAULT = "/apiCSDLDKDN/1.0/chiTietDoanhNghiep"


def stand_in(settings: Mapping[str, Any], table: Table) -> Rehearsal | None:
    """The register that this endpoint would find, as far as its settings tell; None for a session, which it does not have. The
    enterprises in it are invented."""
    own = {name: value for name, value in settings.items() if name not in _ELSEWHERE}
    path, address = _address(settings.get("url"), _DEFAULT)
    simulator: dict[str, Any] = {"path": path} | {there: settings[name] for name, there in _TAKEN.items() if settings.get(name)}
    if "shape" in simulator:
        simulator["shape"] = _SHAPES.get(simulator["shape"], simulator["shape"])
    account = dict(settings.get("account") or {})
    if account.get("kind") == "session":
        return None
    if not account:
        simulator["check_access_token"] = False
        return Rehearsal(simulator, lambda url: {**own, "url": url + address})
    token_path, token_address = _address(account.get("token_url"), "/token")
    if token_path == path:
        token_path = token_address = "/rehearsal-token"
    simulator |= {"token_path": token_path, "check_access_token": account.get("kind") == "oauth2"}
    if account.get("kind") == "oauth2":
        account |= {"client_id": account.get("client_id") or _SECRET, "client_secret": _SECRET}
        by = "form" if account.get("client_as") == "form" else "basic"
        simulator |= {"consumer_key": account["client_id"], "consumer_secret": _SECRET, "token_by": by}
    else:
        account |= {name: _SECRET for name in ("value", "username", "password", "token") if name in account}
    if "lgsp_access_token" in account:
        account["lgsp_access_token"] = base64.b64encode(orjson.dumps(dict.fromkeys(_FIVE, _SECRET))).decode()
        simulator |= {name: _SECRET for name in _FIVE.values()} | {"check_lgsp_access_token": True}

    def endpoint(url: str) -> dict[str, Any]:
        there = {"token_url": url + token_address} if "token_url" in account else {}
        return {**own, "url": url + address, "account": {**account, **there}}

    return Rehearsal(simulator, endpoint)


def _address(url: Any, default: str) -> tuple[str, str]:
    """The path of an address, and that with its query; the default for one that the simulator cannot have."""
    parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
    path = parts.path.rstrip("/")
    path = path if _PATH.fullmatch(path) else default
    return path, f"{path}?{parts.query}" if parts.query else path
