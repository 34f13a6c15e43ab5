"""How the simulated ministry portal stands in for the portal of a configured endpoint: same paths, same account, no secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from connectors.ministry_portal.simulator_config import PATH, SimulatedPaths
from hub.testing.simulator import Rehearsal

_ELSEWHERE = ("ca_file", "client_certificate", "client_key", "reached", "push")
"""Certificates and ways round are for other machines, and nobody pushes in a rehearsal."""
_SECRET = "rehearsal"
_FIRST_OF = {"ok_codes": "ok_code", "exists_codes": "exists_code"}
"""Settings that list codes the endpoint understands; the simulated portal uses the first."""


def stand_in(settings: Mapping[str, Any]) -> Rehearsal:
    """The portal that this endpoint would find, as far as its settings tell."""
    own = {name: value for name, value in settings.items() if name not in _ELSEWHERE}
    own |= {"client_id": settings.get("client_id") or _SECRET, "client_secret": _SECRET}
    base = _path(settings.get("base_url"))
    simulator: dict[str, Any] = {
        "base": base,
        "paths": _paths(settings),
        "client_id": own["client_id"],
        "client_secret": _SECRET,
        "client_as": settings.get("client_as") or "any",
        **_of_answers(settings),
    }
    if "lgsp_access_token" in own:
        own["lgsp_access_token"] = simulator["lgsp_access_token"] = _SECRET
    return Rehearsal(simulator, lambda url: {**own, "base_url": url + base})


def _paths(settings: Mapping[str, Any]) -> dict[str, str]:
    """The endpoint's paths, where the simulator can have them."""
    given, feed = settings.get("paths"), settings.get("feed")
    named = dict(given) if isinstance(given, Mapping) else {}
    if isinstance(feed, Mapping):
        named["feed"] = feed.get("path")
    paths = {name: _path(f"/{str(path).lstrip('/')}") for name, path in named.items() if path}
    return {name: path for name, path in paths.items() if path and name in SimulatedPaths.model_fields}


def _of_answers(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the settings tell of the portal's choices."""
    told: dict[str, Any] = {}
    paths, feed = settings.get("paths"), settings.get("feed")
    if isinstance(paths, Mapping) and paths.get("look_up"):
        told["look_up"] = "minimal"
    if isinstance(feed, Mapping):
        told["cursor_parameter"] = feed.get("cursor_parameter") or "cursor"
        told["feed_answer"] = "wrapped" if str(feed.get("items_at")).startswith("/data/") else "flat"
    if settings.get("token_at"):
        told["token_answer"] = "wrapped" if str(settings["token_at"]).startswith("/data/") else "flat"
    for name, there in _FIRST_OF.items():
        codes = settings.get(name)
        if isinstance(codes, Sequence) and not isinstance(codes, str) and codes:
            told[there] = codes[0]
    return told


def _path(url: Any) -> str:
    """The path of an address; none for one that the simulator cannot have."""
    path = urlsplit(url).path.rstrip("/") if isinstance(url, str) else ""
    return path if PATH.fullmatch(path) else ""
