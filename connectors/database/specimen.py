"""How the connector of tables is put to the test: a SQLite file of its own, with rows to read and a table to write into."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from hub.testing.specimen import Sample, Specimen

_NAME, _CODE = "Trần Thị Mẫu Thử", "000.00.10.H22-261121-0001"
_ROWS = 3
_TABLES = """
create table ho_so (id integer primary key, referenceUid text not null, applicantName text);
create table gui_di (ma text primary key, chu text, trang_thai text, tin text, thu_tu integer);
"""


def specimen() -> Specimen:
    """A file of this machine; there is no partner that one could talk to over HTTP."""
    return Specimen(simulator=None, settings=_settings, samples=(_sample("2"), _sample("4")), personal=(_NAME,), arrivals=_ROWS)


def _settings(url: str, folder: Path) -> Mapping[str, Any]:
    file = folder / "one-stop.db"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file)) as made, made:
            made.executescript(_TABLES)
            made.executemany("insert into ho_so values (?, ?, ?)", [(row, f"mau-{row}", _NAME) for row in range(1, _ROWS + 1)])
    read = {
        "table": "ho_so", "key": ["id"], "by": "id", "look_back": 100, "columns": ["referenceUid", "applicantName"],
        "sender": "land", "schema": "opencps-dossier@1", "poll": 0.05,
    }  # fmt: skip
    written = {
        "table": "gui_di", "key": ["ma"], "message_id": "tin", "seq": "thu_tu", "guard": "thu_tu",
        "columns": {"MaHoSo": "ma", "ChuHoSo": "chu", "TrangThaiHoSo": "trang_thai"},
    }  # fmt: skip
    return {"url": f"sqlite:///{file}", "read": read, "write": {"npsp-dossier@1": written}}


def _sample(state: str) -> Sample:
    body = {"MaHoSo": _CODE, "ChuHoSo": _NAME, "TrangThaiHoSo": state}
    return Sample("npsp-dossier@1.0.0", body, {"national": _CODE}, full_state=True)
