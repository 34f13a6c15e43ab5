"""Whom the simulated business register knows: one form of an enterprise for its three answers, and the check digit of codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


def check_digit(nine: str) -> str | None:
    """The tenth digit of a tax code that begins with these nine; None: no code begins so [known: 10 - weighted sum mod 11]."""
    digit = 10 - sum(int(figure) * weight for figure, weight in zip(nine, _WEIGHTS, strict=True)) % 11
    return str(digit) if digit < 10 else None


def well_formed(code: str) -> bool:
    """10 digits with a right check digit, and for a branch a dash and three more."""
    return bool(re.fullmatch(r"[0-9]{10}(-[0-9]{3})?", code)) and check_digit(code[:9]) == code[9]


class _Known(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Representative(_Known):
    """One legal representative."""

    name: str = Field(min_length=1, description="Full name.")
    document_type: str = Field(default="Căn cước công dân", description="Kind of the identity paper, in words.")
    document_type_code: str = Field(default="1", description="Its code [unknown].")
    document_number: str = Field(default="", description="Number of the identity paper.")
    issued: str = Field(default="", pattern=f"^({_DAY})?$", description="Day of issue, YYYY-MM-DD.")
    issued_by: str = Field(default="", description="Who issued it.")
    nationality: str = Field(default="Việt Nam", description="Nationality in words.")
    nationality_code: str = Field(default="VN", description="Code of the nationality.")


class HeadOffice(_Known):
    """Where the head office is: codes with their zeros, as in QĐ 19/2025."""

    province_code: str = Field(pattern="^[0-9]{2}$", description="2 digits.")
    province: str = Field(description="Name of the province.")
    district_code: str | None = Field(default=None, pattern="^[0-9]{3}$", description="3 digits; none since 1 July 2025.")
    district: str | None = Field(default=None, description="Name of the district, if there is one.")
    ward_code: str = Field(pattern="^[0-9]{5}$", description="5 digits.")
    ward: str = Field(description="Name of the commune or ward.")
    detail: str = Field(default="", description="Street or hamlet.")
    house: str = Field(default="", description="House number.")

    def full_text(self) -> str:
        """The address on one line."""
        parts = (f"{self.house} {self.detail}".strip(), self.ward, self.district, self.province, "Việt Nam")
        return ", ".join(part for part in parts if part)


class Suspension(_Known):
    """One legal state: in business, or suspended for a time."""

    state: str = Field(default="Đang hoạt động", description="Legal state in words.")
    state_code: str = Field(default="1", description="Its code [unknown].")
    since: str | None = Field(default=None, description="First day of a suspension, YYYY-MM-DD.")
    until: str | None = Field(default=None, description="Last day of a suspension, YYYY-MM-DD.")
    reason: str | None = Field(default=None, description="Why it is suspended.")


class Trade(_Known):
    """One line of business."""

    code: str = Field(pattern="^[0-9]{4,5}$", description="Code of the line of business (VSIC).")
    name: str = Field(description="Its name.")
    main: bool = Field(default=False, description="Whether it is the main one.")


class Enterprise(_Known):
    """One enterprise or branch as the register keeps it."""

    code: str = Field(description="Enterprise code = tax code: 10 digits, a branch 10 digits, a dash and 3 digits.")
    name: str = Field(min_length=1, description="Name in Vietnamese.")
    foreign_name: str | None = Field(default=None, description="Name in a foreign language.")
    short_name: str | None = Field(default=None, description="Short name.")
    type: str = Field(default="Công ty trách nhiệm hữu hạn một thành viên", description="Kind of enterprise in words.")
    type_code: str = Field(default="LLC1", description="Its code [unknown].")
    first_registered: str = Field(default="2015-03-02", pattern=f"^{_DAY}$", description="Day of the first registration.")
    changed: str | None = Field(default=None, pattern=f"^{_DAY}$", description="Day of the last change.")
    changes: int = Field(default=0, ge=0, description="How many changes were registered.")
    legal_state: Suspension = Field(default=Suspension(), description="Legal state now.")
    office: HeadOffice = Field(description="Head office.")
    representatives: tuple[Representative, ...] = Field(default=(), description="Legal representatives.")
    trades: tuple[Trade, ...] = Field(default=(), description="Lines of business.")
    locations: tuple[str, ...] = Field(default=(), description="Five-digit codes of its business locations.")

    @field_validator("code")
    @classmethod
    def _has_a_check_digit(cls, code: str) -> str:
        if not well_formed(code):
            raise ValueError("10 digits with a right check digit; for a branch a dash and 3 digits more")
        return code

    @model_validator(mode="after")
    def _locations_have_five_digits(self) -> Enterprise:
        if not all(re.fullmatch("[0-9]{5}", location) for location in self.locations):
            raise ValueError("locations are five-digit codes")
        return self


class Register:
    """All enterprises by code, in the order in which they were entered; one that is entered again takes the other's place."""

    def __init__(self, enterprises: Iterable[Enterprise] = ()) -> None:
        self._by_code = {enterprise.code: enterprise for enterprise in enterprises}

    def enter(self, enterprise: Enterprise) -> None:
        """Adds an enterprise, or replaces the one with its code."""
        self._by_code[enterprise.code] = enterprise

    def find(self, code: str) -> Enterprise | None:
        """The enterprise or branch with exactly this code."""
        return self._by_code.get(code)

    def family(self, code: str) -> Iterator[Enterprise]:
        """The enterprise with this code and its branches."""
        return (one for one in self._by_code.values() if one.code == code or one.code.startswith(f"{code}-"))

    def all(self) -> list[Enterprise]:
        """Every one of them."""
        return list(self._by_code.values())
