"""Invented records for the mapping of sixty rules: everything that may be absent, empty or repeated is so now and then."""

from __future__ import annotations

import random
from typing import Any


def records(count: int) -> list[dict[str, Any]]:
    """The same records on every machine, each fit for bench-record@1; nobody in them exists."""
    rng = random.Random(60)
    return [_record(rng, number) for number in range(count)]


def _record(rng: random.Random, number: int) -> dict[str, Any]:
    business = rng.random() < 0.3
    state = rng.choice(
        (("MOI", ""), ("MOI", "CHO_BO_SUNG"), ("DANG_XU_LY", ""), ("DANG_XU_LY", "CHO_THANH_TOAN"), ("CO_KET_QUA", ""),
         ("DA_TRA", ""), ("TU_CHOI", ""))
    )  # fmt: skip
    record = {
        "HoSo": {
            "SoHoSo": f" hs-2026-{number:05}", "SoBienNhan": _maybe(rng, f"BN-{number} "), "TrangThai": state[0],
            "TrangThaiCon": state[1], "TrucTuyen": rng.choice(("true", "false")),
            "CachNop": rng.choice(("TRUC_TIEP", "BUU_DIEN")), "NgaySua": _moment(rng), "NgayNop": _moment(rng),
            "NgayTiepNhan": _maybe(rng, _moment(rng)), "NgayHenTra": rng.choice((_moment(rng), "20261130170000", "")),
            "NgayKetThuc": _maybe(rng, _moment(rng)), "NgayTra": _maybe(rng, _moment(rng)),
            "TrichYeu": _maybe(rng, "Cấp giấy xác nhận  tình trạng hôn nhân để kết hôn"), "GhiChu": f"Hồ sơ số {number}",
            "SoBan": rng.choice(("2", 3, "")), "Khan": rng.choice(("true", "false", True, "")),
            "HinhThucTra": rng.choice(("0", "1")),
        },
        "ThuTuc": {
            "Ma": rng.choice(("KS01", "KH01", "KT01", "CT02", "DD07")), "Ten": " Cấp  bản sao trích lục hộ tịch ",
            "LinhVuc": {"Ma": "ht", "Ten": _maybe(rng, "Hộ tịch")},
        },
        "CoQuan": {"Ma": "000.00.10.H22 ", "Ten": "Trung tâm Phục vụ hành chính công", "Cap": rng.choice(("TINH", "XA"))},
        "NguoiNop": {
            "Loai": "DN" if business else "CN", "Ho": "Nguyễn", "TenDem": _maybe(rng, "Văn"), "Ten": rng.choice(("An", "Bình")),
            "NgaySinh": _maybe(rng, _moment(rng)[:10]), "GioiTinh": rng.choice(("NAM", "NU", "")),
            "LoaiGiayTo": rng.choice(("CCCD", "CMND", "HC", "")), "SoGiayTo": f"0020900{number:05} ",
            "NgayCap": _maybe(rng, _moment(rng)[:10]), "DienThoai": _maybe(rng, f" 0900 {number:06}"),
            "Email": _maybe(rng, f"CD{number}@Example.vn"),
            "DiaChi": {
                "So": _maybe(rng, f"Số {number}"), "Duong": _maybe(rng, "Trần Phú"), "Xa": "Xã Đồng Văn",
                "Tinh": "Tuyên Quang", "MaXa": "745", "MaTinh": "8",
            },
        },
        "XuLy": {
            "CanBo": {"Ma": 20_000 + number, "Ten": "Lù Thị Mai"},
            "Buoc": {"Ma": "200", "Ten": "Đang xử lý", "HanXuLy": _maybe(rng, _moment(rng))},
        },
        "TaiLieu": [_paper(rng, number * 10 + one) for one in range(rng.randint(0, 4))],
    }  # fmt: skip
    if business:
        record["ToChuc"] = {"MaSoThue": f"5100{number:06} ", "Ten": "Hợp tác xã  Mật ong Bạc Hà"}
    if rng.random() < 0.2:
        record["UyQuyen"] = {
            "HoTen": "Sùng  Mí Sơn",
            "SoGiayTo": "002090000009",
            "DienThoai": "0300000000",
            "Email": "Uq@example.vn",
        }
    if rng.random() < 0.7:
        record["PhiLePhi"] = [
            {
                "Ma": "LP01",
                "Ten": "Lệ phí  hộ tịch",
                "SoTien": rng.choice(("8000", 8000)),
                "DaThu": rng.choice(("1", False, "")),
            }
            for _ in range(rng.randint(0, 2))
        ]
    return record


def _paper(rng: random.Random, number: int) -> dict[str, Any]:
    return {
        "Id": number, "TenHienThi": _maybe(rng, "Tờ khai.pdf"), "TenTep": f"tep-{number}.pdf",
        "Loai": rng.choice(("THANH_PHAN", "THANH_PHAN", "KET_QUA")), "MaThanhPhan": _maybe(rng, "tp01"),
        "DuongDan": _maybe(rng, f"https://files.example.vn/{number}"), "KichThuoc": rng.choice(("20480", 1024)),
        "NgayTao": _moment(rng), "DaXoa": rng.choice(("false", "true", "")),
    }  # fmt: skip


def _maybe(rng: random.Random, text: str) -> str:
    return text if rng.random() < 0.7 else ""


def _moment(rng: random.Random) -> str:
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(2024, 2026)
    return f"{day:02}/{month:02}/{year} {rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}"
