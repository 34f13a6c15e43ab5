"""A person of the simulated registry, in the registry's own codes, and how a question is held against what is known of them.

All people are invented: those of the generator (``simulator_invented``) and those that a test or a demonstration names.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

NameMatch = Literal["exact", "stripped", "lenient"]
BirthMatch = Literal["as_known", "as_far_as_known"]

Number = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
OldNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{9}$")]
Name = Annotated[
    str, AfterValidator(lambda name: unicodedata.normalize("NFC", name)), StringConstraints(min_length=1, strip_whitespace=True)
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SimulatedAddress(_Part):
    """One address block (4.3). A part that is not there is not known, or abolished: districts end on 1 July 2025."""

    province: str | None = Field(default=None, pattern=r"^[0-9]{2}$", description="MaTinhThanh, 2 digits.")
    district: str | None = Field(default=None, pattern=r"^[0-9]{3}$", description="MaQuanHuyen, 3 digits.")
    ward: str | None = Field(default=None, pattern=r"^[0-9]{5}$", description="MaPhuongXa, 5 digits.")
    detail: str | None = Field(default=None, description="ChiTiet.")
    country: str | None = Field(default="VN", description="QuocGia.")


class SimulatedRelative(_Part):
    """Father, mother, spouse or representative: the name is one string on the wire (4.3)."""

    name: Name | None = Field(default=None, description="HoVaTen, flat.")
    nationality: str | None = Field(default="VN", description="QuocTich.")
    number: Number | None = Field(default=None, description="SoDinhDanh, 12 digits.")
    old_number: OldNumber | None = Field(default=None, description="SoCMND, 9 digits.")


class SimulatedHead(_Part):
    """The head of the household, and what this person is to the head."""

    relation: str | None = Field(default="CH01", description="QuanHe; CH01 is [read], the meaning of the codes is not known.")
    number: Number | None = Field(default=None, description="SoDinhDanh, 12 digits.")
    old_number: OldNumber | None = Field(default=None, description="SoCMND, 9 digits.")
    name: Name | None = Field(default=None, description="HoVaTen, flat.")


class SimulatedPerson(_Part):
    """One invented person. Codes are those of the wire; what is left out is not known to the registry."""

    number: Number | None = Field(default=None, description="SoDinhDanh, 12 digits.")
    old_number: OldNumber | None = Field(default=None, description="SoCMND, 9 digits.")
    card_number: str | None = Field(default=None, description="SoCCCD; seen in some answers only [read].")
    name: Name = Field(description="The whole name with its diacritics, such as Nguyễn Thị Mẫu.")
    birth: str | None = Field(
        default=None,
        pattern=r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$",
        description='What is known of the birth date, in quotes: "1990-01-31", "1990-01" (no day), "1990" (no month).',
    )
    gender: str | None = Field(default=None, description="GioiTinh: 1 male [read], 2 female [known].")
    ethnicity: str | None = Field(default=None, description="DanToc, 2 digits.")
    religion: str | None = Field(default=None, description="TonGiao, 2 digits.")
    marital_status: str | None = Field(default=None, description="TinhTrangHonNhan, 1 digit.")
    blood_group: str | None = Field(default=None, description="NhomMau, 2 digits.")
    nationality: str | None = Field(default="VN", description="QuocTich.")
    birth_registration: SimulatedAddress | None = Field(default=None, description="NoiDangKyKhaiSinh.")
    home: SimulatedAddress | None = Field(default=None, description="QueQuan.")
    permanent: SimulatedAddress | None = Field(default=None, description="ThuongTru.")
    current: SimulatedAddress | None = Field(default=None, description="NoiOHienTai.")
    father: SimulatedRelative | None = Field(default=None, description="Cha.")
    mother: SimulatedRelative | None = Field(default=None, description="Me.")
    spouse: SimulatedRelative | None = Field(default=None, description="VoChong.")
    representative: SimulatedRelative | None = Field(default=None, description="NguoiDaiDien.")
    head: SimulatedHead | None = Field(default=None, description="ChuHo.")
    household_number: str | None = Field(default=None, description="SoSoHoKhau.")

    @field_validator("birth")
    @classmethod
    def _is_a_date(cls, birth: str | None) -> str | None:
        if birth is not None:
            year, month, day = [int(part) for part in f"{birth}-01-01".split("-")[:3]]
            date(year, month, day)
        return birth

    @model_validator(mode="after")
    def _has_a_number(self) -> SimulatedPerson:
        if self.number is None and self.old_number is None:
            raise ValueError("a person has a number (12 digits), an old_number (9 digits), or both")
        return self

    @property
    def kind(self) -> str:
        """What makes this person worth picking: ``old_number``, ``birth_year``, ``birth_month``, or ``ordinary``."""
        if self.number is None:
            return "old_number"
        return {4: "birth_year", 7: "birth_month"}.get(len(self.birth or ""), "ordinary")


def stripped(text: str) -> str:
    """Upper case without diacritics and blanks, as OpenCPS sends names: NGUYENTHIMAU."""
    parts = unicodedata.normalize("NFD", text.upper().replace("Đ", "D"))
    return "".join(sign for sign in parts if not unicodedata.combining(sign) and not sign.isspace())


def name_as_asked(name: str, match: NameMatch) -> str:
    """The form of a name in which a question finds its person."""
    return stripped(name) if match == "stripped" else name.upper()


def name_fits(name: str, asked: str, match: NameMatch) -> bool:
    """Whether the name asked for is this person's, by the configured rule."""
    return stripped(asked) == stripped(name) if match == "lenient" else asked == name_as_asked(name, match)


def birth_fits(birth: str | None, asked: str, match: BirthMatch) -> bool:
    """Whether the birth date asked for, ``yyyy`` or ``yyyyMMdd``, is this person's, by the configured rule."""
    known = (birth or "").replace("-", "")
    if match == "as_known":
        return asked == (known if len(known) == 8 else known[:4])
    return known.startswith(asked) or asked.startswith(known)


class Registry:
    """The people of the simulated registry, found by number."""

    def __init__(self, people: Iterable[SimulatedPerson]) -> None:
        self.people = tuple(people)
        self._by_number: dict[str, list[SimulatedPerson]] = {}
        for person in self.people:
            for number in (person.number, person.old_number):
                if number is not None:
                    self._by_number.setdefault(number, []).append(person)

    def with_number(self, number: str) -> list[SimulatedPerson]:
        """Everybody with this number; 12 and 9 digits cannot be mistaken for each other."""
        return self._by_number.get(number, [])
