"""Gives the verbs of a mapping that hash with a secret the keys of config.yaml, by name; a key is never shown."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from hub.errors import Problem
from hub.translation.mapping import Mapping as MappingFile
from hub.translation.mapping import keyed_rules
from hub.translation.refusal import Refusal
from hub.translation.text_verbs import keyed_hash

Keyed = dict[str, Callable[..., Any]]


def keyed_lookups(
    mapping: MappingFile, keys: Mapping[str, str] | None, problems: list[Problem]
) -> tuple[Keyed, tuple[tuple[str, str], ...]]:
    """The changes of the mapping's verbs with their keys, and each key's name with its fingerprint. Without ``keys`` (they
    were not read) the changes refuse; a name that is not among them is a problem of its rule."""
    found: Keyed = {}
    used: dict[str, str] = {}
    for rule, verb in keyed_rules(mapping):
        key = "" if keys is None else keys.get(verb.key, "")
        if keys is not None and not key:
            at, message = ".".join(map(str, rule.target)), f"config.yaml has no key named {verb.key}"
            hint = f'write keys: {{ {verb.key}: "${{file:secrets/{verb.key}}}" }} into config.yaml'
            problems.append(Problem(at, "unknown_key_name", message, hint, rule.where))
        found[verb.lookup] = keyed_hash(key) if key else _not_read(verb.key)
        used[verb.key] = _fingerprint(verb.key, key)
    return found, tuple(used.items())


def public_lookups(mapping: MappingFile) -> Keyed:
    """The same with the public key of tests, so that whoever runs a mapping's own tests needs no secret."""
    return {verb.lookup: verb.change for _, verb in keyed_rules(mapping)}


def _not_read(name: str) -> Callable[[Any], Any]:
    def refuse(_value: Any) -> Any:
        raise Refusal("no_key", f"the key {name} of config.yaml was not read")

    return refuse


def _fingerprint(name: str, key: str) -> str:
    """What changes when the key of this name changes, and does not tell the key."""
    return hmac.new(key.encode(), f"dossier-hub: the key {name}".encode(), hashlib.sha256).hexdigest()
