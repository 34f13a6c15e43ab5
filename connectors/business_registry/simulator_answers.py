"""Writes what the simulated business register knows in the three shapes of chiTietDoanhNghiep (contract 5 A, B and C)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from connectors.business_registry.simulator_config import BusinessRegisterConfig, Shape
from connectors.business_registry.simulator_enterprises import Enterprise, Register, Representative


def answer(register: Register, code: str, config: BusinessRegisterConfig) -> tuple[dict[str, Any], bool]:
    """The JSON answer to a question for this code, and whether somebody was found."""
    return _SHAPES[config.shape](register, code, config)


def _ngsp(register: Register, code: str, config: BusinessRegisterConfig) -> tuple[dict[str, Any], bool]:
    found = register.find(code)
    if found is None:
        return {config.data_key: {"MainInformation": None, "HOAdress": None, "Representatives": None}}, False
    main: dict[str, Any] = {
        "NAME": found.name,
        "ENTERPRISE_GDT_CODE": found.code,
        "ENTERPRISE_TYPE_NAME": found.type,
        "ENTERPRISE_STATUS_NAME": found.legal_state.state,
    }
    if config.more_fields:
        main |= {"NAME_F": found.foreign_name, "SHORT_NAME": found.short_name, "FOUNDING_DATE": found.first_registered}
    people = [_known({"FULL_NAME": person.name}, config) for person in found.representatives]
    told = {
        "MainInformation": _known(main, config),
        "HOAdress": {"AddressFullText": found.office.full_text()},
        "Representatives": people[0] if len(people) == 1 and _as_object(found, config) else people,
    }
    return {config.data_key: told}, True


def _as_object(enterprise: Enterprise, config: BusinessRegisterConfig) -> bool:
    odd = enterprise.code[-1] in "13579"
    return {"by_count": True, "array": False, "mixed": not odd}[config.representatives]


def _provincial(register: Register, code: str, config: BusinessRegisterConfig) -> tuple[dict[str, Any], bool]:
    found = register.find(code)
    if found is None:
        return {"GetEntCert": None}, False
    state = found.legal_state
    told = {
        "MaNoiBo": f"MP{found.code}",
        "MaSoDoanhNghiep": found.code,
        "SoGCNDKKD": None,
        "MaLoaiHinhDN": found.type_code,
        "LoaiHinhDN": found.type,
        "TenTiengViet": found.name,
        "TenNuocNgoai": found.foreign_name,
        "TenVietTat": found.short_name,
        "NgayDangKyLanDau": _date(found.first_registered, config),
        "NgayDangKyThayDoi": _date(found.changed, config),
        "SoLanDangKyThayDoi": found.changes,
        "TinhTrangPhapLy": [
            _known(
                {
                    "TinhTrangPhapLy": state.state,
                    "MaTinhTrangPhapLy": state.state_code,
                    "NgayBatDauTamNgung": _date(state.since, config),
                    "NgayKetThucTamNgung": _date(state.until, config),
                    "LyDoTamNgung": state.reason,
                },
                config,
            )
        ],
        "DaiDienPhapLuat": [{"ThongTinCaNhan": [_person(one, config)]} for one in found.representatives],
        "DiaChiTruSo": [{"DiaChi": [_office(found, config)]}],
        "NganhNgheKinhDoanh": [
            {"MaNganh": trade.code, "TenNganh": trade.name, "LaNganhChinh": int(trade.main)} for trade in found.trades
        ],
    }
    return {"GetEntCert": [_known(told, config)]}, True


def _person(person: Representative, config: BusinessRegisterConfig) -> dict[str, Any]:
    told = {
        "HoVaTen": person.name,
        "LoaiGiayToChungThuc": person.document_type,
        "MaLoaiGiayToChungThuc": person.document_type_code,
        "SoGiayChungThuc": person.document_number or None,
        "NgayCap": _date(person.issued or None, config),
        "NoiCap": person.issued_by or None,
        "QuocTich": person.nationality,
        "MaQuocTich": person.nationality_code,
    }
    return _known(told, config)


def _office(enterprise: Enterprise, config: BusinessRegisterConfig) -> dict[str, Any]:
    office = enterprise.office

    def area(code: str | None) -> int | str | None:
        return int(code) if code is not None and config.integer_codes else code

    told = {
        "QuocGia": "Việt Nam",
        "MaQuocGia": "VN",
        "TenTinhThanh": office.province,
        "MaTinhThanh": area(office.province_code),
        "TenQuanHuyen": office.district,
        "MaQuanHuyen": area(office.district_code),
        "TenPhuongXa": office.ward,
        "MaPhuongXa": area(office.ward_code),
        "DiaChi": office.detail,
        "SoNha": office.house,
    }
    return _known(told, config)


def _search(register: Register, code: str, config: BusinessRegisterConfig) -> tuple[dict[str, Any], bool]:
    rows = list(_rows(register.family(code), config))
    return {"d": rows}, bool(rows)


def _rows(family: Iterable[Enterprise], config: BusinessRegisterConfig) -> Iterable[dict[str, Any]]:
    """A row for each enterprise and branch, and one for each business location, whose Gdt code has five digits [read]."""
    for one in family:
        told = {
            "Id": f"{int(one.code.replace('-', ''))}",
            "Name": one.name,
            "Name_F": one.foreign_name,
            "Short_Name": one.short_name,
            "Enterprise_Code": one.code[:10],
            "Enterprise_Gdt_Code": one.code,
            "Status": one.legal_state.state_code,
            "City_Id": int(one.office.province_code),
            "Ho_Address": one.office.full_text(),
        }
        yield _known(told, config)
        for location in one.locations:
            place = {"Id": f"{told['Id']}{location}", "Name": f"ĐỊA ĐIỂM KINH DOANH {location} {one.name}"}
            yield _known(told | place | {"Enterprise_Gdt_Code": location}, config)


def _date(day: str | None, config: BusinessRegisterConfig) -> str | None:
    return f"{day}T00:00:00" if day is not None and config.dates == "date_time" else day


def _known(told: Mapping[str, Any], config: BusinessRegisterConfig) -> dict[str, Any]:
    """The same with what is not known written in the configured way."""
    match config.absent:
        case "omitted":
            return {name: value for name, value in told.items() if value is not None}
        case "empty":
            return {name: "" if value is None else value for name, value in told.items()}
    return dict(told)


_SHAPES: Mapping[Shape, Callable[[Register, str, BusinessRegisterConfig], tuple[dict[str, Any], bool]]] = {
    "ngsp": _ngsp,
    "provincial": _provincial,
    "search": _search,
}
