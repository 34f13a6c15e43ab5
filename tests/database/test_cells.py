"""Values come into a message exactly as they stand in the database, whichever it is."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from connectors.database.cells import Unreadable, cell
from connectors.database.config import ReadConfig
from connectors.database.cursor import Cursor, NoOrder, read_cursor
from database.parts import COLUMNS, READ, Office

CASES: dict[str, list[tuple[str, str, Any]]] = {
    "sqlite": [
        ("integer", "9007199254740993", 9007199254740993),
        ("real", "0.1", 0.1),
        ("blob", "x'00ff'", "AP8="),
        ("text", "'Đặng  Thị \"Ơ\"'", 'Đặng  Thị "Ơ"'),
    ],
    "postgresql": [
        ("numeric(30,10)", "12345678901234567890.0123456789", "12345678901234567890.0123456789"),
        ("numeric", "1e3", "1000"),
        ("bigint", "9007199254740993", 9007199254740993),
        ("double precision", "0.1", 0.1),
        ("boolean", "true", True),
        ("bytea", "'\\x00ff'", "AP8="),
        ("date", "'2026-11-21'", "2026-11-21"),
        ("timestamp", "'2026-11-21 07:45:00.123456'", "2026-11-21T07:45:00.123456"),
        ("timestamptz", "'2026-11-21 07:45:00+07'", "2026-11-21T00:45:00+00:00"),
        ("uuid", "'9af49740-96f5-40ee-9e25-02420ae59635'", "9af49740-96f5-40ee-9e25-02420ae59635"),
        ("text[]", "array['a', null]", ["a", None]),
        ("jsonb", "'{\"a\": [1, 2.50]}'", {"a": [1, 2.5]}),
        ("jsonb[]", "array['{\"a\": 1}', 'null']::jsonb[]", [{"a": 1}, None]),
        ("interval", "'1 year 1 month 1 day 02:00:00'", "1 year 1 mon 1 day 02:00:00"),
        ("time", "'07:45:00'", "07:45:00"),
    ],
    "mariadb": [
        ("decimal(30,10)", "12345678901234567890.0123456789", "12345678901234567890.0123456789"),
        ("bigint", "9007199254740993", 9007199254740993),
        ("double", "0.1", 0.1),
        ("varbinary(10)", "x'00ff'", "AP8="),
        ("date", "'2026-11-21'", "2026-11-21"),
        ("datetime(6)", "'2026-11-21 07:45:00.123456'", "2026-11-21T07:45:00.123456"),
        ("time", "'07:45:00'", "07:45:00"),
        ("longtext", "'Đặng 𠮷'", "Đặng 𠮷"),
    ],
}


async def test_types_of_each_database(desk: Office) -> None:
    """Numbers to the last digit, times as they are kept, bytes in base64."""
    cases = CASES[desk.source.kind]
    names = [f"c{number}" for number in range(len(cases))]
    desk.source.run(*(f"alter table ho_so add column {name} {kind}" for name, (kind, _, _) in zip(names, cases, strict=True)))
    desk.source.put("uid-0001", 1)
    values = ", ".join(f"{name} = {value}" for name, (_, value, _) in zip(names, cases, strict=True))
    desk.source.run(f"update ho_so set {values}")
    await desk.look(columns={**COLUMNS, **{f"/extra/{name}": name for name in names}})
    ((_, _, body),) = desk.arrivals()
    assert [body["extra"][name] for name in names] == [wanted for _, _, wanted in cases]


@pytest.mark.parametrize(
    ("value", "settings", "wanted"),
    [
        (Decimal("12.50"), {"decimals": "number"}, 12.5),
        (Decimal("12.00"), {"decimals": "number"}, 12),
        (Decimal("0.12345678901234567"), {"decimals": "number"}, Unreadable("too_exact")),
        (Decimal("NaN"), {}, Unreadable("not_a_number")),
        (float("inf"), {}, Unreadable("not_a_number")),
        (2**63, {}, Unreadable("number_too_large")),
        ("a\x00b", {}, Unreadable("nul")),
        ("\ud800", {}, Unreadable("lone_surrogate")),
        (object(), {}, Unreadable("unknown_type")),
        (datetime(2026, 11, 21, 7), {"zone": "Asia/Ho_Chi_Minh"}, "2026-11-21T07:00:00+07:00"),
        (datetime(2026, 10, 25, 2, 30), {"zone": "Europe/Berlin"}, Unreadable("ambiguous_time")),
        (datetime(2026, 3, 29, 2, 30), {"zone": "Europe/Berlin"}, Unreadable("ambiguous_time")),
        (timedelta(hours=-1), {}, "-01:00:00"),
        ([1, float("nan")], {}, Unreadable("not_a_number")),
    ],
)
def test_what_is_not_told_exactly_is_not_told(value: Any, settings: dict[str, Any], wanted: Any) -> None:
    """No value is rounded, cut or guessed."""
    assert cell("plain", **settings)(value) == wanted


def test_json_stays_as_it_is_to_the_last_digit() -> None:
    text = '{"a": 0.10000000000000000001, "b": [1,2]}'
    assert orjson.dumps({"x": cell("json")(text)}).decode() == f'{{"x":{text}}}'


@pytest.mark.parametrize(
    ("value", "look_back", "earlier"),
    [
        (100, 10, 90),
        (Decimal("100.5"), 0.5, Decimal("100.0")),
        (datetime(2026, 11, 21, 7, 0, 30), 30.0, datetime(2026, 11, 21, 7)),
        ("2026-11-21 07:00:30.123456", 30, "2026-11-21 07:00:00"),
        ("2026-11-21T07:00:30Z", 30, "2026-11-21T07:00:00"),
        ("2026-11-21T07:00:30+07:00", 30, "2026-11-21T07:00:00"),
        ("2026-11-21", 3600, "2026-11-20"),
    ],
)
def test_what_lies_a_look_back_before(value: Any, look_back: float, earlier: Any) -> None:
    """In the form of the value; kept as text and read again it is the same."""
    config = ReadConfig.model_validate(dict(READ))
    cursor = Cursor(value)
    assert cursor.earlier(look_back) == earlier
    kept = cursor.written(config)
    assert read_cursor(kept, config) == cursor
    assert read_cursor(json.dumps({**json.loads(kept), "table": "other"}), config) is None


@pytest.mark.parametrize("value", ["hôm nay", None, float("nan"), b"\x00", True])
def test_what_has_no_order(value: Any) -> None:
    with pytest.raises(NoOrder):
        Cursor(value).earlier(1)
