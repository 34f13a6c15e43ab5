"""What ``hub check`` says of settings that take filed dossiers: who may post, what is posted, and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from connectors.national_portal.door_checks import source_problems
from connectors.national_portal.door_paths import begins_like_the_hub
from connectors.national_portal.inbound_settings import InboundSettings
from hub.connector import Documents
from hub.errors import Problem

_OWN = "give each a path of its own"


def problems(settings: InboundSettings, of_door: Collection[str], documents: Documents) -> Iterator[Problem]:
    """Every problem, placed at a setting of the endpoint; ``of_door``: the paths of its portal-compatible door."""
    if not settings.accounts:
        hint = "write accounts: { USERNAME: { sender: NAME } }; the password is the key of `hub key new NAME`"
        yield Problem("inbound.accounts", "missing", "nobody may post filed dossiers", hint)
    for username in settings.accounts:
        if ":" in username:
            yield Problem("inbound.accounts", "bad_value", "HTTP Basic knows no username with a colon", "a username without it")
    yield from source_problems("inbound.schema", settings.schema_, documents)
    for path, times in Counter(settings.paths).items():
        if times > 1 or path in of_door:
            yield Problem("inbound.paths", "path_taken", f"{path} is a path of something else here too", _OWN)
        if begins_like_the_hub(path):
            yield Problem("inbound.paths", "path_taken", f"{path} begins like a path of the hub itself", _OWN)
