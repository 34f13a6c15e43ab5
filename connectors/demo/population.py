"""The population registry of the demo: its process, whom it holds, and what the demo's home says of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from connectors.demo.planted_people import People
from connectors.demo.simulated import Simulated

DATABASE_CODE = "7"
"""The registry's code at the portal (MaCSDL): one was seen, what it stands for is not public."""

ENDPOINT = {
    "connector": "population",
    "lookup": {"take": "citizen-query@1", "give": "citizen@1"},
    "settings": {
        "url": "${env:POPULATION_URL}",
        "through": "direct",
        "direct": {
            "username": "simulated",
            "secret_key": "${env:POPULATION_SECRET}",
            "auth_url": "http://ndxp.invalid/auth",
            "api_key": "${env:POPULATION_API_KEY}",
            "x_road_client": "VN/GOV/000.00.00.H22/simulated",
        },
        "unit_code": "000.00.00.H22",
        "account_name": "simulated",
        "phone": "0",
        "connect_timeout": 1,
        "read_timeout": 2,
    },
    "concurrency": 16,
    "retry": {"first_seconds": 0.2, "longest_seconds": 1},
    "breaker": {"failures": 5, "open_seconds": 0.5, "longest_seconds": 1},
}
VERIFY = {
    "with": "population",
    "query": "citizen-query@1",
    "on_mismatch": "flag",
    "database_code": DATABASE_CODE,
    "purpose": "the applicant is checked before the portal gets the dossier",
    "officer": "hub-demo",
}


def simulator_yaml(people: People) -> str:
    """A registry of exactly these people; it finds them by number, bare letters of the name, and as much of the birth as is
    asked."""
    config = {"people": 0, "name_match": "lenient", "birth_match": "as_far_as_known", "known_people": list(people)}
    return yaml.safe_dump(config, allow_unicode=True, sort_keys=False)


class Population(Simulated):
    """The simulated registry, a process of its own."""

    name = "population"
    module = "connectors.population.simulator"

    def prepare(self, people: People) -> None:
        """Before the first start: exactly these people are in it."""
        self.configure(simulator_yaml(people))

    @property
    def environment(self) -> dict[str, str]:
        """What ``ENDPOINT`` leaves to the environment."""
        return {"POPULATION_URL": f"{self.url}/dancu", "POPULATION_SECRET": "simulated", "POPULATION_API_KEY": "simulated"}

    async def people(self) -> Sequence[dict[str, Any]]:
        """Everybody in it, as it says itself."""
        return [one["person"] for one in (await self.control("GET", "people?limit=20000"))["people"]]
