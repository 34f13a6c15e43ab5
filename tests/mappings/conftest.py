"""The shipped catalog with the portal's procedure catalogue fetched, as after ``hub catalog refresh``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.translation import Catalog, write_fetched_table

HOME = Path(__file__).parents[2]
COLUMNS = ("name", "field_code", "field_name")
PROCEDURES = {
    "1.001193": ("Đăng ký khai sinh", "G15-HT01", "Hộ tịch"),
    "1.000894": ("Đăng ký kết hôn", "G15-HT01", "Hộ tịch"),
    "1.000656": ("Đăng ký khai tử", "G15-HT01", "Hộ tịch"),
    "1.004873": ("Cấp Giấy xác nhận tình trạng hôn nhân", "G15-HT01", "Hộ tịch"),
    "2.000635": ("Cấp bản sao Trích lục hộ tịch", "G15-HT01", "Hộ tịch"),
    "2.000815": ("Chứng thực bản sao từ bản chính", "G15-CT02", "Chứng thực"),
    "1.001612": ("Đăng ký thành lập hộ kinh doanh", "G05-KD03", "Thành lập và hoạt động của hộ kinh doanh"),
    "2.002493": ("Cấp lại giấy phép hoạt động", "G17-YT04", "Khám bệnh, chữa bệnh"),
    "1.004227": ("Đăng ký biến động quyền sử dụng đất", "G12-DD05", "Đất đai"),
    "1.005129": ("Cấp phép hoạt động đưa người lao động đi làm việc", "G09-LD06", "Quản lý lao động ngoài nước"),
    "3.000181": ("Tuyển sinh trung học phổ thông", "G07-GD07", "Giáo dục trung học"),
    "2.002621": (
        "Đăng ký khai sinh, thường trú, cấp thẻ BHYT cho trẻ dưới 6 tuổi (liên thông)",
        "G15-HT01",
        "Hộ tịch",
    ),
}


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Schemas, mappings and tables as released, and a fetched ``npsp-procedures``."""
    home = tmp_path_factory.mktemp("home")
    rows = {code: dict(zip(COLUMNS, row, strict=True)) for code, row in PROCEDURES.items()}
    write_fetched_table(home, "npsp-procedures@1", COLUMNS, rows, "portal", datetime(2026, 11, 21, tzinfo=UTC))
    return Catalog.load([home, HOME], {"npsp-procedures@1": COLUMNS})


@pytest.fixture(scope="session")
def unfetched() -> Catalog:
    """The catalog of a fresh clone, before the first ``hub catalog refresh``."""
    return Catalog.load([HOME], {"npsp-procedures@1": COLUMNS})


@pytest.fixture(scope="session")
def procedures() -> dict[str, tuple[str, str, str]]:
    """What the portal's catalogue says of the twelve procedures: code → name, field code, field name."""
    return PROCEDURES
