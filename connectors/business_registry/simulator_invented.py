"""Invents the enterprises of the simulated business register from a seed: codes right in form, names that nobody bears.

Whoever sees one sees that it is invented: names and streets say Mẫu, Thử or mô phỏng; serials of papers begin with 99; wards
have no such names.
"""

from __future__ import annotations

import random

from connectors.business_registry.simulator_enterprises import (
    Enterprise,
    HeadOffice,
    Representative,
    Suspension,
    Trade,
    check_digit,
)

_TYPES = (
    ("Công ty trách nhiệm hữu hạn một thành viên", "LLC1", "CÔNG TY TNHH MTV"),
    ("Công ty trách nhiệm hữu hạn hai thành viên trở lên", "LLC2", "CÔNG TY TNHH"),
    ("Công ty cổ phần", "JSC", "CÔNG TY CỔ PHẦN"),
    ("Doanh nghiệp tư nhân", "PE", "DOANH NGHIỆP TƯ NHÂN"),
)
_SUBJECTS = ("THƯƠNG MẠI", "XÂY DỰNG", "VẬN TẢI", "NÔNG SẢN", "CƠ KHÍ")
_NAMES = ("MẪU", "VÍ DỤ", "MÔ PHỎNG", "GIẢ ĐỊNH", "THỬ NGHIỆM", "MINH HỌA")
_PROVINCES = (("01", "Thành phố Hà Nội"), ("08", "Tỉnh Tuyên Quang"), ("38", "Tỉnh Thanh Hóa"), ("79", "Thành phố Hồ Chí Minh"))
_FAMILIES = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Võ")
_GIVEN = ("Văn Mẫu", "Thị Thử", "Văn Ví Dụ", "Thị Mô Phỏng", "Văn Giả Định")
_TRADES = (("4620", "Bán buôn nông sản"), ("4100", "Xây dựng nhà"), ("4933", "Vận tải hàng hóa bằng đường bộ"))
_SUSPENDED = Suspension(
    state="Tạm ngừng kinh doanh", state_code="2", since="2026-01-01", until="2026-12-31", reason="Lý do mô phỏng"
)
_DISSOLVED = Suspension(state="Đã giải thể", state_code="3")


def invent(seed: int, enterprises: int) -> tuple[Enterprise, ...]:
    """So many enterprises, always the same ones for a seed; a larger number only adds to them. Any ten hold every kind:
    suspended, dissolved, with several or no representatives, with a district, with branches (these are not counted)."""
    chosen = random.Random(f"business registry {seed}")
    invented: list[Enterprise] = []
    codes: set[str] = set()
    for number in range(enterprises):
        first = _enterprise(chosen, _code(chosen, codes), number)
        branches = (2 if number % 10 == 3 else 0) if number % 10 != 7 else 1
        invented.append(first)
        invented += [
            first.model_copy(update={"code": f"{first.code}-{serial:03}", "name": f"CHI NHÁNH {serial} {first.name}"})
            for serial in range(1, branches + 1)
        ]
    return tuple(invented)


def _code(chosen: random.Random, codes: set[str]) -> str:
    """A code with a right check digit that was not given yet; some begin with a zero."""
    while True:
        nine = f"{chosen.choice(('010', '380', '990'))}{chosen.randrange(10**6):06}"
        digit = check_digit(nine)
        if digit is not None and nine not in codes:
            codes.add(nine)
            return nine + digit


def _enterprise(chosen: random.Random, code: str, number: int) -> Enterprise:
    turn = number % 10
    kind, kind_code, prefix = chosen.choice(_TYPES)
    subject, name = chosen.choice(_SUBJECTS), chosen.choice(_NAMES)
    representatives = {5: 0, 3: 2, 8: 3}.get(turn, 1)
    return Enterprise(
        code=code,
        name=f"{prefix} {subject} {name} {number + 1}",
        foreign_name=f"SAMPLE {number + 1} COMPANY LIMITED" if chosen.random() < 0.5 else None,
        short_name=f"SAMPLE {number + 1}" if chosen.random() < 0.3 else None,
        type=kind,
        type_code=kind_code,
        first_registered=f"20{chosen.randrange(0, 25):02}-{chosen.randrange(1, 13):02}-{chosen.randrange(1, 29):02}",
        changed="2025-08-15" if turn in (1, 3) else None,
        changes=2 if turn in (1, 3) else 0,
        legal_state=_SUSPENDED if turn == 4 else _DISSOLVED if turn == 6 else Suspension(),
        office=_office(chosen, with_district=turn == 2),
        representatives=tuple(_representative(chosen) for _ in range(representatives)),
        trades=tuple(
            Trade(code=trade, name=words, main=at == 0)
            for at, (trade, words) in enumerate(chosen.sample(_TRADES, chosen.randrange(1, 4)))
        ),
        locations=("00001", "00002") if turn == 7 else (),
    )


def _office(chosen: random.Random, with_district: bool) -> HeadOffice:
    code, name = chosen.choice(_PROVINCES)
    return HeadOffice(
        province_code=code,
        province=name,
        district_code=f"00{chosen.randrange(1, 10)}" if with_district else None,
        district="Quận Mô Phỏng" if with_district else None,
        ward_code=f"009{chosen.randrange(100):02}",
        ward="Phường Mô Phỏng",
        detail="đường Ví Dụ (mô phỏng)",
        house=f"Số {chosen.randrange(1, 400)}",
    )


def _representative(chosen: random.Random) -> Representative:
    return Representative(
        name=f"{chosen.choice(_FAMILIES)} {chosen.choice(_GIVEN)}",
        document_number=f"0010{chosen.randrange(10**2):02}99{chosen.randrange(10**4):04}",
        issued="2021-05-10",
        issued_by="Cục Cảnh sát quản lý hành chính về trật tự xã hội",
    )
