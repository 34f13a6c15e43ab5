"""How the simulated registry stands in for the registry of a configured endpoint: same account, same addresses, no secret."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from hub.testing.simulator import Rehearsal, Table

_ELSEWHERE = ("ca_file", "client_certificate", "client_key", "check_url")
_SECRET = "rehearsal"
_KEY = f"{_SECRET}:{_SECRET}"
_LGSP = {
    "AccessKey": "lgsp_access_key", "SecretKey": "lgsp_secret_key", "AppName": "lgsp_app_name",
    "PartnerCode": "lgsp_partner_code", "PartnerCodeCus": "lgsp_partner_code_cus",
}  # fmt: skip
_PATH = re.compile(r"(?!/_control)(/[A-Za-z0-9._~:-]+)+")


def stand_in(settings: Mapping[str, Any], table: Table) -> Rehearsal:
    """The registry that this endpoint would find, as far as its settings tell. The people in it are invented."""
    own = {name: value for name, value in settings.items() if name not in _ELSEWHERE}
    simulator: dict[str, Any] = {"name_match": "stripped" if settings.get("name_form") == "plain" else "exact"}
    for name, there in (("lookup_code", "lookup_codes"), ("confirm_code", "verify_codes")):
        if settings.get(name):
            simulator[there] = [settings[name]]
    through_lgsp = settings.get("through") == "lgsp"
    path, address = _address(settings.get("url"), "/lgsp/dancu" if through_lgsp else "/dancu")
    if through_lgsp:
        account = dict(settings.get("lgsp") or {})
        token_path, token_address = _address(account.get("token_url"), "/token")
        simulator |= {"path": "/rehearsal-direct", "lgsp_path": path, "token_path": token_path, **_of_lgsp(account)}
        return Rehearsal(
            simulator,
            lambda url: {**own, "url": url + address, "lgsp": _at(account, "token_url", url + token_address)},
        )
    account = dict(settings.get("direct") or {})
    simulator |= {"path": path, "lgsp_path": "/rehearsal-lgsp", "token_path": "/rehearsal-token", **_of_direct(account)}
    return Rehearsal(simulator, lambda url: {**own, "url": url + address, "direct": account})


def _of_direct(account: dict[str, Any]) -> dict[str, Any]:
    """What the simulated registry asks of this account, whose secrets are replaced."""
    account |= {name: account.get(name) or _SECRET for name in ("username", "auth_url")} | {"secret_key": _SECRET}
    if "api_key" in account:
        account["api_key"] = _SECRET
    taken = {name: account[name] for name in ("username", "auth_url", "secret_key", "api_key") if name in account}
    return taken | {name: account[name] for name in ("timestamp_unit", "x_road_client") if account.get(name)}


def _of_lgsp(account: dict[str, Any]) -> dict[str, Any]:
    """What the simulated LGSP asks of this account, whose secrets are replaced."""
    simulator: dict[str, Any] = {name: _SECRET for name in _LGSP.values()} | {"officer_keys": {_SECRET: _SECRET}}
    if "consumer_key" in account:
        simulator |= {"consumer_key": account["consumer_key"] or _SECRET, "consumer_secret": _SECRET}
        account |= {name: simulator[name] for name in ("consumer_key", "consumer_secret")}
    if "access_token" in account:  # a lasting one, which the simulated LGSP did not issue
        account["access_token"] = _SECRET
        simulator["check_access_token"] = False
    if "lgsp_access_token" in account:
        account["lgsp_access_token"] = base64.b64encode(orjson.dumps(dict.fromkeys(_LGSP, _SECRET))).decode()
    if "auth_key" in account:
        account["auth_key"] = _KEY
    if "officer_keys" in account:
        account["officer_keys"] = dict.fromkeys(account["officer_keys"] or {}, _KEY)
    return simulator


def _at(account: Mapping[str, Any], name: str, address: str) -> dict[str, Any]:
    """The account with this address in place of the one it has, if it has one."""
    return {**account, **({name: address} if name in account else {})}


def _address(url: Any, default: str) -> tuple[str, str]:
    """The path of an address, and that with its query; the default for one that the simulator cannot have."""
    parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
    path = parts.path.rstrip("/")
    path = path if _PATH.fullmatch(path) else default
    return path, f"{path}?{parts.query}" if parts.query else path
