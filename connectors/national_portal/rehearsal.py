"""How the simulated portal stands in for the portal of a configured endpoint: same account, same addresses, no secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from hub.testing.simulator import Rehearsal, Table

PROCEDURES = "npsp-procedures@1"
_ADAPTERS = ("/XrdAdapter/RestService/forward", "/VXPAdapter/RestService/forward")
_ELSEWHERE = ("ca_file", "client_certificate", "client_key", "door")
"""Certificates are for another machine; nobody calls the door of a rehearsal, and its catalogues belong to the home."""
_SECRET = "rehearsal"
_SAME = {
    "madonvi": "madonvi", "dstcode": "dstcode", "dstcode_in": "dstcode_in", "share_endpoint": "share_path",
    "integration_endpoint": "integration_path", "auth_endpoint": "login_path",
}  # fmt: skip
"""Settings of an endpoint that say what the simulated portal must be called with."""


def stand_in(settings: Mapping[str, Any], table: Table) -> Rehearsal:
    """The portal that this endpoint would find, as far as its settings tell; the procedures are those fetched into the home."""
    own = {name: value for name, value in settings.items() if name not in _ELSEWHERE}
    own |= {"username": settings.get("username") or _SECRET, "password": _SECRET}
    simulator: dict[str, Any] = {"username": own["username"], "password": _SECRET}
    for name, there in _SAME.items():
        if isinstance(value := settings.get(name), str):
            simulator[there] = _path(value) if name.endswith("_endpoint") else value
    simulator["procedures"] = [
        {"code": code, "name": row["name"], "field_code": row["field_code"], "field_name": row["field_name"]}
        for code, row in (table(PROCEDURES) or {}).items()
    ]
    path = urlsplit(str(settings.get("adapter_url") or "")).path.rstrip("/")
    adapter = path if path in _ADAPTERS else _ADAPTERS[0]
    return Rehearsal(simulator, lambda url: {**own, "adapter_url": url + adapter})


def _path(endpoint: str) -> str:
    """What the connector calls below the adapter's address, without a query."""
    return "/" + endpoint.partition("?")[0].strip("/")
