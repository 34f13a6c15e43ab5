"""The simulated portal's catalogues. SIMULATED DATA: codes and names are examples, not the national procedure database.

Shapes: contract 1.2 and 1.3; catalogue keys are upper case on the wire.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.national_portal.simulator_config import SimulatedProcedure

_CIVIL_STATUS = ("G15-HT01", "Hộ tịch")

_ROWS: tuple[tuple[str, str, str, str], ...] = (
    ("1.001193", "Đăng ký khai sinh", *_CIVIL_STATUS),
    ("1.000894", "Đăng ký kết hôn", *_CIVIL_STATUS),
    ("1.000656", "Đăng ký khai tử", *_CIVIL_STATUS),
    ("1.004873", "Cấp Giấy xác nhận tình trạng hôn nhân", *_CIVIL_STATUS),
    ("2.000635", "Cấp bản sao Trích lục hộ tịch", *_CIVIL_STATUS),
    ("2.000815", "Chứng thực bản sao từ bản chính", "G15-CT02", "Chứng thực"),
    ("1.001612", "Đăng ký thành lập hộ kinh doanh", "G05-KD03", "Thành lập và hoạt động của hộ kinh doanh"),
    ("2.002493", "Cấp lại giấy phép hoạt động", "G17-YT04", "Khám bệnh, chữa bệnh"),
    ("1.004227", "Đăng ký biến động quyền sử dụng đất", "G12-DD05", "Đất đai"),
    ("1.005129", "Cấp phép hoạt động đưa người lao động đi làm việc", "G09-LD06", "Quản lý lao động ngoài nước"),
    ("3.000181", "Tuyển sinh trung học phổ thông", "G07-GD07", "Giáo dục trung học"),
    ("2.002621", "Đăng ký khai sinh, thường trú, cấp thẻ BHYT cho trẻ dưới 6 tuổi (liên thông)", *_CIVIL_STATUS),
)

_AGENCIES: tuple[tuple[str, str, str], ...] = (
    ("000.00.00.H22", "Ủy ban nhân dân tỉnh (mô phỏng)", "1"),
    ("000.00.10.H22", "Trung tâm Phục vụ hành chính công (mô phỏng)", "2"),
    ("000.00.11.H22", "Sở Tư pháp (mô phỏng)", "2"),
    ("000.00.12.H22", "Sở Tài chính (mô phỏng)", "2"),
    ("000.00.13.H22", "Sở Y tế (mô phỏng)", "2"),
)


class SimulatedCatalogue:
    """The procedures the portal knows, and the lists made of them."""

    def __init__(self, added: Iterable[SimulatedProcedure] = ()) -> None:
        built_in = (SimulatedProcedure(code=c, name=n, field_code=fc, field_name=fn) for c, n, fc, fn in _ROWS)
        self._by_code = {procedure.code: procedure for procedure in (*built_in, *added)}

    def find(self, code: str, with_suffix: bool = False) -> SimulatedProcedure | None:
        """The procedure of this code; with ``with_suffix`` also when an agency id follows it (contract 3.3)."""
        found = self._by_code.get(code)
        if found is None and with_suffix and code.count(".") > 1:
            found = self._by_code.get(".".join(code.split(".")[:2]))
        return found

    def list_procedures(self) -> list[dict[str, Any]]:
        """LayDanhSachTTHC."""
        return [{"MATTHC": p.code, "TENTTHC": p.name} for p in self._by_code.values() if p.public]

    def list_fields(self) -> list[dict[str, Any]]:
        """LayDanhMucLinhVuc; MANGANH is the agency id of the ministry that the field code names."""
        names = {p.field_code: p.field_name for p in self._by_code.values()}
        return [
            {"MALINHVUC": code, "TENLINHVUC": name, "MANGANH": f"000.00.00.{code.split('-')[0]}"}
            for code, name in sorted(names.items())
        ]

    def list_agencies(self) -> list[dict[str, Any]]:
        """LayDanhMucCoQuan."""
        return [{"MADONVI": code, "TENDONVI": name, "CAPDONVI": level} for code, name, level in _AGENCIES]

    def detail(self, procedure: SimulatedProcedure) -> dict[str, Any]:
        """The object of LayThuTuc (contract 1.3) with plain simulated content."""
        fee = {"MAPHILEPHI": "PL01", "SOTIEN": 0, "DONVI": "Đồng", "MOTA": ""}
        term = {"THOIGIANGIAIQUYET": 5, "DONVITINH": "Ngày làm việc", "MOTA": "", "PHILEPHI": [fee]}
        paper = {"MAGIAYTO": "TP01", "TENGIAYTO": "Tờ khai (mô phỏng)", "TENMAUDON": "", "URL": ""}
        return {
            "MATTHC": procedure.code,
            "TENTTHC": procedure.name,
            "TRANGTHAI": "1" if procedure.public else "0",
            "YEUCAU": "",
            "MOTADOITUONGTHUCHIEN": "Công dân, doanh nghiệp, tổ chức",
            "LINHVUCTHUCHIEN": [{"MALINHVUC": procedure.field_code, "TENLINHVUC": procedure.field_name}],
            "TRINHTUTHUCHIEN": [{"TRUONGHOP": "", "TRINHTU": [{"TENTRINHTU": "Nộp hồ sơ và nhận kết quả (mô phỏng)"}]}],
            "CACHTHUCTHUCHIEN": [{"KENH": channel, "THOIGIAN": [term]} for channel in (1, 2, 3)],
            "THANHPHANHOSO": [{"TRUONGHOP": "", "GIAYTO": [paper | {"SOBANCHINH": 1, "SOBANSAO": 0}]}],
            "KETQUATHUCHIEN": [{"MAKETQUA": "KQ01", "TENKETQUA": "Kết quả (mô phỏng)"}],
            "CANCUPHAPLY": [{"SOVANBAN": "00/0000/MP", "TENVANBAN": "Văn bản mô phỏng"}],
            "COQUANTHUCHIEN": [{"MADONVI": _AGENCIES[0][0], "TENDONVI": _AGENCIES[0][1]}],
        }
