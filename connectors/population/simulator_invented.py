"""Invents the people of the simulated registry from a seed: households whose numbers are valid in form and nobody's.

Whoever sees one of these people sees that they are invented: given names are words such as Mẫu (sample) and Thử (trial),
serials of personal numbers begin with 99, old numbers with 990, wards and districts are 99… (no such unit), addresses
say "mô phỏng".
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Literal

from connectors.population.simulator_people import SimulatedAddress, SimulatedHead, SimulatedPerson, SimulatedRelative

AddressLevels = Literal["two", "three", "mixed"]

_FAMILIES = (
    "Nguyễn",
    "Trần",
    "Lê",
    "Phạm",
    "Hoàng",
    "Huỳnh",
    "Phan",
    "Vũ",
    "Võ",
    "Đặng",
    "Bùi",
    "Đỗ",
    "Hồ",
    "Ngô",
    "Dương",
    "Lý",
)
_MIDDLE = {
    "1": ("Văn", "Đức", "Hữu", "Quốc Mạnh", "Đình", "Xuân", "Trọng"),
    "2": ("Thị", "Thị Thu", "Thị Ngọc", "Diệu", "Thị Bích", "Kiều", "Thị Ánh"),
}
_GIVEN = ("Mẫu", "Thử", "Mô Phỏng", "Ví Dụ", "Giả Định", "Thí Dụ", "Thử Nghiệm", "Minh Họa", "Diễn Tập")
_PROVINCES = ("001", "022", "038", "040", "048", "079")
_ETHNICITIES, _RELIGIONS, _BLOOD = ("01", "01", "01", "02", "05"), ("00", "00", "01", "02"), ("01", "02", "03", "04")
_STREETS = ("Ví Dụ", "Mô Phỏng", "Thử Nghiệm")
_HEAD, _SPOUSE, _CHILD = "CH01", "CH02", "CH03"
_FIRST_BIRTH, _BIRTHS = date(1945, 1, 1), 35 * 365


def invent(seed: int, people: int, levels: AddressLevels = "two") -> tuple[SimulatedPerson, ...]:
    """So many people, always the same ones for a seed; a larger number only adds to them. Any 50 hold every kind."""
    invented: list[SimulatedPerson] = []
    households = _Households(seed, levels)
    while len(invented) < people:
        invented += households.next()
    return tuple(invented[:people])


class _Households:
    """One household after the other: a couple, and no child to three of them."""

    def __init__(self, seed: int, levels: AddressLevels) -> None:
        self._random = random.Random(f"population {seed}")
        self._levels = levels
        self._numbers: set[str] = set()
        self._serial = -1
        self._households = 0

    def next(self) -> list[SimulatedPerson]:
        """The people of the next household; every tenth each has somebody of whom less is known."""
        chosen, turn = self._random, self._households % 10
        self._households += 1
        home, address, household = self._address(), self._address(), f"MP{self._households:07}"
        born = _FIRST_BIRTH + timedelta(days=chosen.randrange(_BIRTHS))
        later = born + timedelta(days=chosen.randrange(4000))
        father_birth = str(born.year) if turn == 2 else born.isoformat()
        father = self._person("1", chosen.choice(_FAMILIES), father_birth, old_number=born.year < 1995, old_only=turn == 8)
        mother_birth = f"{later:%Y-%m}" if turn == 5 else later.isoformat()
        mother = self._person("2", chosen.choice(_FAMILIES), mother_birth, old_number=later.year < 1985)
        head = SimulatedHead(relation=_HEAD, number=father.number, old_number=father.old_number, name=father.name)
        shared = {"permanent": address, "current": address, "household_number": household}
        couple = shared | {"marital_status": "2", "home": home, "birth_registration": home}
        ours = _relative(father), _relative(mother)
        members = [
            father.model_copy(update=couple | self._parents(father.name) | {"spouse": ours[1], "head": head}),
            mother.model_copy(
                update=couple
                | self._parents(mother.name)
                | {"spouse": ours[0], "head": head.model_copy(update={"relation": _SPOUSE})}
            ),
        ]
        for _ in range(chosen.randrange(4)):
            birth = later + timedelta(days=chosen.randrange(20 * 365, 33 * 365))
            child = self._person(chosen.choice("12"), father.name.split()[0], birth.isoformat())
            family = {"father": ours[0], "mother": ours[1], "head": head.model_copy(update={"relation": _CHILD})}
            young = {"representative": ours[1]} if birth.year >= 2012 else {}
            single = {"marital_status": "1", "home": home, "birth_registration": address}
            members.append(child.model_copy(update=shared | single | family | young))
        return members

    def _person(
        self, gender: str, family: str, birth: str, old_number: bool = False, old_only: bool = False
    ) -> SimulatedPerson:
        chosen = self._random
        century = 2 * (int(birth[:2]) - 19) + (gender == "2")
        number = self._number(f"{chosen.choice(_PROVINCES)}{century}{birth[2:4]}99")
        return SimulatedPerson(
            number=None if old_only else number,
            old_number=f"990{self._serial:06}" if old_number or old_only else None,
            name=f"{family} {chosen.choice(_MIDDLE[gender])} {chosen.choice(_GIVEN)}",
            birth=birth,
            gender=gender,
            ethnicity=chosen.choice(_ETHNICITIES),
            religion=chosen.choice(_RELIGIONS),
            blood_group=chosen.choice(_BLOOD) if chosen.random() < 0.3 else None,
        )

    def _number(self, before: str) -> str:
        """Province, century with gender, and year, then a serial that makes the number nobody else's."""
        while True:
            self._serial += 1
            number = f"{before}{self._serial % 10_000:04}"
            if number not in self._numbers:
                self._numbers.add(number)
                return number

    def _parents(self, name: str) -> dict[str, SimulatedRelative]:
        """Parents of whom the registry knows the names only."""
        chosen = self._random
        father = f"{name.split()[0]} {chosen.choice(_MIDDLE['1'])} {chosen.choice(_GIVEN)}"
        mother = f"{chosen.choice(_FAMILIES)} {chosen.choice(_MIDDLE['2'])} {chosen.choice(_GIVEN)}"
        return {"father": SimulatedRelative(name=father), "mother": SimulatedRelative(name=mother)}

    def _address(self) -> SimulatedAddress:
        chosen = self._random
        three = chosen.random() < {"two": 0.0, "three": 1.0, "mixed": 0.5}[self._levels]
        return SimulatedAddress(
            province=chosen.choice(_PROVINCES)[1:],
            district=f"99{chosen.randrange(10)}" if three else None,
            ward=f"99{chosen.randrange(1, 1000):03}",
            detail=f"Số {chosen.randrange(1, 400)}, đường {chosen.choice(_STREETS)} (mô phỏng)",
        )


def _relative(person: SimulatedPerson) -> SimulatedRelative:
    return SimulatedRelative(name=person.name, number=person.number, old_number=person.old_number)
