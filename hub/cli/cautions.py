"""What ``hub check`` warns of in a configuration that can run: nothing configured, secrets in the file, a partner whose way is
not said, plain HTTP outside."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hub import strictyaml
from hub.cli.settings import settings_of
from hub.errors import Problem
from hub.wire import HttpSettings

if TYPE_CHECKING:
    from hub.assembly import Assembly

_WAYS = "write reached: { by: lgsp }, or ndxp, ndop, x-road; a direct way needs because (Decree 194/2025/NĐ-CP)"
_BY_REFERENCE = "write ${env:NAME} or ${file:secrets/NAME}"


def cautions(parts: Assembly, folder: Path) -> Iterator[Problem]:
    """Each as a warning with file and line. The file is read again: what stands in it as such is the question."""
    config, where = parts.home.config, parts.home.where
    for name in ("sources", "endpoints", "routes"):
        if not getattr(config, name):
            yield Problem(name, "nothing_configured", f"there are no {name}", "`hub init DIR` makes an example", where(name))
    written = strictyaml.load(folder / "config.yaml", "config.yaml").data or {}
    for at, value in _secrets(parts, written):
        if isinstance(value, str) and "${" not in value:
            text = "a secret stands in the file itself"
            yield Problem(".".join(at), "literal_secret", text, _BY_REFERENCE, where(*at))
    for name, endpoint in parts.endpoints.items():
        if isinstance(endpoint.settings, HttpSettings) and endpoint.settings.reached is None:
            place, text = ("endpoints", name, "settings"), "it is not said how this partner is reached"
            yield Problem(".".join((*place, "reached")), "way_not_said", text, _WAYS, where(*place))
    server = config.server
    if server.tls is None and not server.trusted_proxies and not _is_loopback(server.host):
        text = "the hub listens to other machines without a certificate: keys and dossiers cross the network in the clear"
        hint = "set server.tls; or name the proxy that speaks HTTPS in server.trusted_proxies"
        yield Problem("server.host", "plain_http", text, hint, where("server", "host"))


def _secrets(parts: Assembly, written: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """(place, what is written there) of everything that is a secret by its type, and a password in the store's address."""
    for name, endpoint in parts.endpoints.items():
        for setting in settings_of(endpoint.connector.Config):
            if setting.type == "secret":
                path = ("endpoints", name, "settings", *setting.name.split("."))
                yield path, _at(written, path)
    for name in parts.home.config.keys:
        yield ("keys", name), _at(written, ("keys", name))
    store = _at(written, ("store", "url"))
    if isinstance(store, str) and urlsplit(store).password:
        yield ("store", "url"), store


def _at(node: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        node = node.get(step) if isinstance(node, dict) else None
    return node


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
