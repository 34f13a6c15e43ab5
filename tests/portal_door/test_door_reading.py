"""How the door reads a call, whose code its answer carries, and what it says: without a hub."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from connectors.national_portal import door_envelope
from connectors.national_portal import door_words as words
from connectors.national_portal.config import PortalConfig
from connectors.national_portal.connector import NationalPortal
from connectors.national_portal.door_envelope import OWN_CODES, Answers, NotReadable, read_json, written
from connectors.national_portal.door_sending import Sending
from connectors.national_portal.door_settings import DoorCodes, DoorSettings
from connectors.national_portal.exchange import is_number, is_shared
from hub.connector import ConnectorContext, Visit
from hub.errors import NotParsable, Problem

FILE = "mappings/portal-dossier-to-dossier/1.0.0.yaml"
pytestmark = pytest.mark.xdist_group("portal_door")


@pytest.mark.parametrize("body", [b'{"a": "\\ud800"}', b'{"\\uDFFF": 1}', b'[["\\ud83d", "\\ude00"]]'])
def test_half_of_a_character_is_no_text(body: bytes) -> None:
    """It cannot be written as UTF-8, so neither stored nor sent on."""
    with pytest.raises(NotReadable):
        asyncio.run(read_json(body))


def test_what_looks_like_half_of_a_character_is_read() -> None:
    for body, value in ((b'"\\ud83d\\ude00"', "\U0001f600"), (b'"\\\\ud800"', "\\ud800")):
        assert asyncio.run(read_json(body)) == value


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"NaN", b"Infinity"])
def test_what_is_no_number_cannot_be_read(number: bytes) -> None:
    with pytest.raises(NotReadable):
        asyncio.run(read_json(b'{"a": [' + number + b"]}"))


def test_a_key_that_stands_twice_is_named() -> None:
    with pytest.raises(NotReadable) as refused:
        asyncio.run(read_json(b'{"a": 1, "MaHoSo": "1", "MaHoSo": "1"}'))
    assert "MaHoSo lặp lại" in refused.value.told
    with pytest.raises(NotReadable) as refused:
        asyncio.run(read_json('{"Nguyễn Văn Thử": 1, "Nguyễn Văn Thử": 2}'.encode()))
    assert "Thử" not in refused.value.told and "lặp lại" in refused.value.told, "only what looks like a field is quoted"


def test_what_cannot_be_written_again_is_refused_and_no_crash() -> None:
    deep: Any = "x"
    for _ in range(200_000):
        deep = [deep]
    with pytest.raises(ValueError):
        written(deep)


def test_whose_code_an_answer_carries() -> None:
    """The portal's, also where it is no number; never a word of the hub's own."""
    answers = Answers(DoorCodes())
    assert [answers.portal_code(code) for code in ("7", "-12", "E-07", "DVC.401")] == [7, -12, "E-07", "DVC.401"]
    for code in (*OWN_CODES, "http_400", "discarded", "‹masked›", ""):
        assert answers.portal_code(code) == -3, code


def test_the_connector_s_own_words_are_all_known_as_such() -> None:
    sources = Path(door_envelope.__file__).parent.glob("*.py")
    said = {word for path in sources for word in re.findall(r'(?:Rejected|NotAsked)\("([^"]+)"', path.read_text("utf-8"))}
    assert {"exists", "missing"} <= said <= OWN_CODES


def test_one_rule_of_numbers() -> None:
    assert all(is_number(text) for text in ("0", "-3", "+12", "999999"))
    assert not any(is_number(text) for text in ("", "-", "--5", "1.0", "٣", "1000000", "E-07"))


def test_one_rule_of_places() -> None:
    assert all(is_shared(service) for service in ("LayDanhMucCoQuan", "LayDanhSachTTHC"))
    assert not any(is_shared(service) for service in ("LayThuTuc", "TraCuuHoSo", "DongBoHoSoMC", "CapNhatTienDoHoSoMC"))


def test_why_something_is_kept_is_said_of_the_caller_s_own_field() -> None:
    problem = Problem(
        "applicant.id.kind", "not_in_table", "the table has no such row", source=f"{FILE}:41 data.DinhDanhCHS.LoaiDinhDanh"
    )
    told = words.reasons([problem, problem])
    assert told == "DinhDanhCHS.LoaiDinhDanh giá trị không có trong danh mục (not_in_table)"
    by_pointer = Problem("x", "not_in_table", "", source="/data/DinhDanhCHS/0/LoaiDinhDanh")
    assert words.reasons([by_pointer]) == told
    in_a_file = Problem("owner", "odd", "", source=f"{FILE}:12")
    assert words.reasons([in_a_file]) == "owner không hợp lệ (odd)"


def test_a_long_call_leaves_the_others_their_turn() -> None:
    """Records are examined one after another, and somebody else's call goes on meanwhile."""

    class Examined:
        many = 0

        async def examine(self, schema: str, body: bytes) -> None:
            self.many += 1
            if self.many == 200:
                raise NotParsable([Problem("", "end", "of this test")])

    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def call() -> None:
        other = asyncio.create_task(others())
        sending = Sending(DoorSettings(), "portal", Answers(DoorCodes()))
        data: list[Mapping[str, Any]] = [{"MaHoSo": str(number)} for number in range(200)]
        with pytest.raises(Exception):  # noqa: B017 - what turns it away is not the point
            await sending.send(cast(Visit, Examined()), sending.dossiers("False", data))
        other.cancel()

    asyncio.run(call())
    assert turns >= 4


def test_a_failure_of_the_hub_is_answered_in_an_envelope() -> None:
    """Of whatever kind: a client of the portal reads nothing else."""

    class Broken:
        def visit(self, request: web.Request) -> Any:
            raise ZeroDivisionError

    async def call() -> list[web.StreamResponse]:
        adapter = {"adapter_url": "http://127.0.0.1:9", "username": "u", "password": "secret", "madonvi": "000.00.00.H22"}
        connector = NationalPortal(
            PortalConfig.model_validate({**adapter, "door": {"array_path": "/arrays"}}), ConnectorContext("portal", lambda: 0)
        )
        try:
            routes = [one for one in connector.routes(Broken()) if isinstance(one, web.RouteDef) and one.method != "*"]
            return [await one.handler(make_mocked_request(one.method, one.path)) for one in routes]  # type: ignore[operator, misc]
        finally:
            await connector.close()

    answers = asyncio.run(call())
    assert len(answers) == 8
    for answer in answers:
        assert isinstance(answer, web.Response) and answer.status == 500
        assert isinstance(answer.body, bytes) and json.loads(answer.body)["error_code"] == -5
