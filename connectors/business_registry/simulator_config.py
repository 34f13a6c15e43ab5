"""Everything about the simulated business register that can be chosen; where the contract is not known, both behaviours.

Marks in the descriptions: [read] seen in public traces, [known] unverified background knowledge, [unknown] not public at all:
the value is this simulator's own choice. Sections are those of the wire contract.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, model_validator

from connectors.business_registry.simulator_enterprises import Enterprise
from connectors.platform.simulator_tokens import TokenChoices

Shape = Literal["ngsp", "provincial", "search"]

_PATH = re.compile(r"(/[A-Za-z0-9._~:-]+)+")


class BusinessRegisterConfig(TokenChoices):
    """The simulated register's contract. Every choice marked [known] or [unknown] must be confirmed with the agency."""

    # where and how it is asked (5)
    path: str = Field(
        default="/apiCSDLDKDN/1.0/chiTietDoanhNghiep", description="Where chiTietDoanhNghiep is called; this is NGSP's [read]."
    )
    shape: Shape = Field(
        default="ngsp",
        description="Form of the answer: ngsp (5 A, MainInformation), provincial (5 B, GetEntCert) or search (5 C, rows in d);"
        " all three [read].",
    )
    method: Literal["GET", "POST", "either"] = Field(
        default="GET", description="How it is asked: GET with a query, or POST [known: both]; another gets 405."
    )
    parameter: str = Field(default="msdn", description="Name of the parameter that carries the code [read].")
    post_as: Literal["json", "form", "query", "any"] = Field(
        default="any", description="Where a POST carries the parameter [unknown]; any: in whichever of the three it stands."
    )
    bad_code: Literal["http_400", "not_found"] = Field(
        default="http_400", description="A code without 10 digits: 400, or simply not found [unknown: both]."
    )
    check_digit: bool = Field(default=False, description="Whether a code with a wrong check digit is a bad code too [unknown].")
    branches: Literal["found", "not_found", "bad_code"] = Field(
        default="found", description="What a question for a branch (10 digits, dash, 3 digits) gets [unknown: all three]."
    )

    # what is answered
    data_key: Literal["Data", "data"] = Field(default="Data", description="ngsp: the outer key [read: both].")
    representatives: Literal["mixed", "by_count", "array"] = Field(
        default="mixed",
        description="ngsp: Representatives is one object for one person and an array for several (by_count), always an array"
        " (array), or by_count but for codes that end with an odd figure an array all the same (mixed) [read: both forms].",
    )
    more_fields: bool = Field(default=True, description="ngsp: further keys beside those that were seen [unknown].")
    integer_codes: bool = Field(
        default=True, description="provincial: codes of areas are numbers that lost their zeros [read], or text with them."
    )
    dates: Literal["date", "date_time"] = Field(
        default="date", description="provincial: 2015-03-02 or 2015-03-02T00:00:00 [unknown: both]."
    )
    absent: Literal["null", "omitted", "empty"] = Field(
        default="null", description='What the register does not know is null, left out or "" [unknown: all three].'
    )

    # who is in it
    seed: int = Field(default=1, description="Which enterprises are invented: the same ones for the same seed.")
    enterprises: int = Field(default=100, ge=0, le=20_000, description="How many are invented, their branches not counted.")
    known_enterprises: tuple[Enterprise, ...] = Field(
        default=(), description="Enterprises that stand in the register before the invented ones."
    )

    @model_validator(mode="after")
    def _paths_can_be_told_apart(self) -> BusinessRegisterConfig:
        paths = (self.path, self.token_path)
        if not all(_PATH.fullmatch(path) and not path.startswith("/_control") for path in paths):
            raise ValueError("path and token_path are paths such as /token, and not below /_control")
        if self.path == self.token_path:
            raise ValueError("path and token_path differ from each other")
        return self
