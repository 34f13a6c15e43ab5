"""The hub's own reasons in Vietnamese, with their fields and values; a partner's words untouched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flow.parts import make_home, told

from hub.assembly import assemble
from hub.console.reasons import vietnamese
from hub.errors import TranslationFailed


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("state: the codes (processing, xyz) have no row in the table state",
         "state: mã (processing, xyz) không có dòng nào trong bảng mã state"),
        ("p: the code H06 had no row in the table t on that day, only on … → 2025-06-30; "
         "q: the table is asked for a day, and d is none",
         "p: vào ngày đó mã (H06) không có dòng nào trong bảng mã t, chỉ vào … → 2025-06-30; "
         "q: bảng mã cần một ngày, trường d không phải ngày có thật"),
        ("HinhThuc: the source has no value for it; a.0.b: must be text here, not a list",
         "HinhThuc: nguồn không có giá trị cho trường này; a.0.b: phải là văn bản, không phải danh sách"),
        ("TenTTHC: is longer than 1000 characters (schema npsp-dossier@1.0.0)",
         "TenTTHC: dài hơn 1000 ký tự (lược đồ npsp-dossier@1.0.0)"),
        ("birth: is not a real date of the form dd/MM/yyyy (given: 99-99-9999); n: is not an integer (given: a number)",
         "birth: không phải ngày có thật theo dạng dd/MM/yyyy (giá trị có dạng: 99-99-9999); "
         "n: không phải số nguyên (giá trị có dạng: số)"),
        ("(whole): an earlier arrival of this dossier is kept: 0192f0c1",
         "một thông điệp trước của hồ sơ này đang được giữ lại: 0192f0c1"),
        ("no connection to the partner (ClientConnectorError) (after 10 counted tries)",
         "không kết nối được tới đối tác (ClientConnectorError) (sau 10 lần thử)"),
        ("Mã hồ sơ không hợp lệ: thiếu; sai", None),
        ("the file is bad: is not an elephant", None),
        ("", None),
    ],
)  # fmt: skip
def test_a_reason_keeps_its_field_and_values(reason: str, said: str | None) -> None:
    """Several at once, with the schema and the tries counted; None for what is not the hub's own sentence."""
    assert vietnamese(reason) == said


@pytest.mark.parametrize(
    "change",
    [{"dossierStatus": "no-such-state"}, {"dossierSubStatus": "xyz"}, {"receiveDate": "yesterday"}, {"dueDate": "2026-99-99"}],
    ids=str,
)
def test_what_the_hub_really_says_is_known(tmp_path: Path, change: dict[str, Any]) -> None:
    """The sentences of a real translation, so that a reworded one is noticed here."""
    catalog = assemble(make_home(tmp_path / "home")).catalog
    record = {**json.loads(json.dumps(told()[0].records[0])), **change}
    source = catalog.schema("opencps-dossier@1")
    try:
        catalog.chain(source.ref, "dossier@1").translate(record)
    except TranslationFailed as error:
        for problem in error.problems:
            assert vietnamese(f"{problem.at}: {problem.message}"), problem.message
    else:
        pytest.fail("the record was translated")
