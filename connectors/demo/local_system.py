"""A unit's own system in the demo, reached by REST: it gets the dossiers that citizens file at the portal, which are its own,
and those that a ministry tells of. Its process, and what the demo's home says of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from connectors.demo import ministry
from connectors.demo.filings import SENDER as CITIZENS
from connectors.demo.simulated import Simulated

SENDER = "local-system"
ENDPOINT = {
    "connector": "rest",
    "settings": {
        "url": "${env:LOCAL_URL}/api",
        "reached": {"by": "lgsp"},
        "account": {"kind": "api_key", "header": "X-Api-Key", "value": "${env:LOCAL_KEY}"},
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
                },
            }
        },
        "outcomes": [
            {"at": "/result", "in": ["accepted", "changed"], "then": "accepted"},
            {"at": "/result", "equals": "exists", "then": "duplicate"},
        ],
        "connect_timeout": 1,
        "read_timeout": 2,
    },
    "concurrency": 8,
    "retry": {"first_seconds": 0.2, "longest_seconds": 1},
}
FILES = {
    "public_url": "${env:HUB_PUBLIC_URL}",
    "signing_key": "${env:FILES_KEY}",
    "fetch": {"hosts": ["127.0.0.1"], "private": ["127.0.0.0/8"], "http": True},
}


def routes(portal: str) -> dict[str, dict[str, Any]]:
    """Down to the local system, and what it says of dossiers that were filed at the portal up to that."""
    down = {"take": "dossier@1", "to": "local", "as": "one-stop-filing@1"}
    return {
        "filed-to-local": {**down, "from": [CITIZENS], "observations": True, "files": {"as": "url"}},
        "ministry-to-local": {**down, "from": [ministry.NAME], "files": {"as": "url", "of": ["results"]}},
        "states-of-filed": {
            "take": "dossier@1", "from": [SENDER], "to": portal, "as": "npsp-dossier@1", "on_exists": "adopt",
            "files": {"as": "url"},
        },
    }  # fmt: skip


class LocalSystem(Simulated):
    """The simulated local system, a process of its own with its memory in a file."""

    name = "local"
    module = "connectors.rest.simulator"

    def prepare(self) -> None:
        """Before the first start."""
        self.configure(yaml.safe_dump({"api_key": "simulated"}))

    @property
    def environment(self) -> dict[str, str]:
        """What ``ENDPOINT`` and ``FILES`` leave to the environment, but for the hub's own address."""
        return {"LOCAL_URL": self.url, "LOCAL_KEY": "simulated", "FILES_KEY": "a key of the demo, 32 letters long"}

    async def state(self) -> dict[str, Any]:
        """Everything it holds."""
        return dict(await self.control("GET", "state"))

    async def states(self) -> Mapping[str, list[str]]:
        """The states that it was told of each dossier, in order."""
        return {code: list(one["states"]) for code, one in (await self.state())["filings"].items()}
