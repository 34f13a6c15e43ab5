"""A registry of invented enterprises beside that of the people: a hub whose route asks both, each about whom it knows."""

from __future__ import annotations

from typing import Any

from flow.parts import MADE, NoConfig

from hub.message import Message
from lookup.parts import POPULATION, VERIFY, Silent, config

COMPANY, COMPANY_NAME = "0100999995", "Công ty TNHH Ví Dụ"
KNOWN = {"province": {"MaSoDoanhNghiep": COMPANY, "TenTiengViet": "CÔNG TY  TNHH VÍ DỤ"}}
LOOKUP = "lookup: { take: enterprise-query@1, give: enterprise@1 }"
BUSINESS = POPULATION.replace("  population:", "  business:").replace("people", "companies")
BUSINESS = BUSINESS.replace("lookup: { take: citizen-query@1, give: citizen@1 }", LOOKUP)
STEP = VERIFY.removeprefix("verify: ")
COMPANY_STEP = STEP.replace("population", "business").replace("citizen-query", "enterprise-query").replace('"7"', '"9"')
BOTH = f"verify: [{STEP}, {COMPANY_STEP}]"
APPLICANT = {"applicantIdType": "business", "applicantName": COMPANY_NAME, "applicantIdNo": COMPANY}


class Companies(Silent):
    """Answers questions of the business registry's shape about the enterprises it was given."""

    queries = "business-registry-query@1"
    answers = "business-registry-enterprise@1"

    def __init__(self, config: NoConfig, context: Any) -> None:
        super().__init__(config, context)
        self.known: dict[str, Any] = {COMPANY: KNOWN}
        self.asked: list[Message] = []
        self.script: Any = None
        MADE[context.name] = self  # type: ignore[assignment]

    async def request(self, query: Message) -> Any | None:
        self.asked.append(query)
        if self.script is None:
            return self.known.get(query.body["msdn"])
        said = self.script(query)
        if isinstance(said, Exception):
            raise said
        return said


def both(verify: str = BOTH, population: str = POPULATION, business: str = BUSINESS) -> str:
    """The flow tests' configuration with two registries and these verify steps on the route of dossiers."""
    return config(verify=verify, population=f"{population}{business}")


def companies() -> Companies:
    """The one of the hub that runs."""
    made: Any = MADE["business"]
    assert isinstance(made, Companies)
    return made
