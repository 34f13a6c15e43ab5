"""The simulated population registry: who is found, what is told of them, and who is in it."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.population.simulator_config import PopulationSimulatorConfig
from population.registry import ANY_QUESTION, ASKED, MAU, ORDER, PEOPLE, PHONG, THU, fields, old_number, registry, shape

# --- names and births ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "name", "fits"),
    [
        ("exact", "NGUYỄN THỊ ĐAN MẪU", True),
        ("exact", "Nguyễn Thị Đan Mẫu", False),
        ("exact", " NGUYỄN THỊ ĐAN MẪU", False),
        ("exact", unicodedata.normalize("NFD", "NGUYỄN THỊ ĐAN MẪU"), False),
        ("exact", "NGUYENTHIDANMAU", False),
        ("stripped", "NGUYENTHIDANMAU", True),
        ("stripped", "NGUYEN THI DAN MAU", False),
        ("stripped", "NGUYỄN THỊ ĐAN MẪU", False),
        ("lenient", "NGUYENTHIDANMAU", True),
        ("lenient", "NGUYỄN THỊ ĐAN MẪU", True),
        ("lenient", "Nguyễn thị  đan mẫu", True),
        ("lenient", "NGUYENTHIMAU", False),
    ],
)
async def test_the_name_is_compared_as_configured(match: str, name: str, fits: bool) -> None:
    """Upper case with diacritics (composed letters), or stripped of diacritics and blanks, or either."""
    async with registry(name_match=match) as caller:
        assert await caller.finds(HoVaTen=name) is fits


async def test_a_configured_name_may_be_in_decomposed_letters() -> None:
    """The registry's own names are composed, however the configuration was typed."""
    typed = MAU | {"name": unicodedata.normalize("NFD", MAU["name"])}
    async with registry(known_people=[typed]) as caller:
        told = await caller.look_up()
        assert shape(told.people[0])["HoVaTen"]["Ten"] == MAU["name"]


@pytest.mark.parametrize(
    ("match", "person", "birth", "fits"),
    [
        ("as_known", MAU, {"NgayThangNam": "19900131"}, True),
        ("as_known", MAU, {"Nam": "1990"}, False),
        ("as_known", THU, {"Nam": "1950"}, True),
        ("as_known", THU, {"NgayThangNam": "19500101"}, False),
        ("as_known", PHONG, {"Nam": "1960"}, True),
        ("as_known", PHONG, {"NgayThangNam": "19600701"}, False),
        ("as_far_as_known", MAU, {"Nam": "1990"}, True),
        ("as_far_as_known", MAU, {"Nam": "1991"}, False),
        ("as_far_as_known", THU, {"NgayThangNam": "19500101"}, True),
        ("as_far_as_known", PHONG, {"NgayThangNam": "19600715"}, True),
        ("as_far_as_known", PHONG, {"NgayThangNam": "19600815"}, False),
        ("as_far_as_known", PHONG, {"Nam": "1960"}, True),
    ],
)
async def test_the_birth_date_is_compared_as_configured(match: str, person: Any, birth: Any, fits: bool) -> None:
    """What the registry has, to the letter; or only as far as both go. People without month or day are asked for by year."""
    async with registry(birth_match=match) as caller:
        asked = {"SoDinhDanh": person["number"], "HoVaTen": person["name"].upper(), "NgayThangNamSinh": birth}
        assert await caller.finds(**asked) is fits


async def test_all_who_fit_are_answered() -> None:
    """Two people with the same old number, name and birth date come together."""
    twins = [MAU, MAU | {"number": "001190990009"}]
    async with registry(known_people=twins) as caller:
        told = await caller.look_up(old_number("990000001"))
        assert len(told.people) == 2 and told.body.get("SoCongDan") == "2"


# --- what is answered ------------------------------------------------------------------------------------------------


async def answer_for(person: dict[str, Any], birth: Any, **config: Any) -> dict[str, Any]:
    async with registry(known_people=[person], **config) as caller:
        asked = fields(SoDinhDanh=person["number"], HoVaTen=person["name"].upper(), NgayThangNamSinh=birth)
        shown: dict[str, Any] = shape((await caller.look_up(asked)).people[0])
        return shown


async def test_the_name_may_be_split_or_upper_case() -> None:
    """Ho, ChuDem and Ten each have their part with full_name: split; relatives stay flat."""
    date = {"NgayThangNam": "19900131"}
    split = await answer_for(MAU, date, full_name="split")
    assert split["HoVaTen"] == {"Ho": "Nguyễn", "ChuDem": "Thị Đan", "Ten": "Mẫu"}
    assert split["VoChong"]["HoVaTen"] == "Trần Văn Ví Dụ"
    upper = await answer_for(MAU, date, name_case="upper")
    assert upper["HoVaTen"]["Ten"] == "NGUYỄN THỊ ĐAN MẪU" and upper["ChuHo"]["HoVaTen"] == "TRẦN VĂN VÍ DỤ"
    one_word = await answer_for(MAU | {"name": "Mẫu"}, date, full_name="split")
    assert one_word["HoVaTen"] == {"Ho": "", "ChuDem": "", "Ten": "Mẫu"}


async def test_births_are_answered_as_configured() -> None:
    """A date alone or with its year; less than a date as a year or with zeros."""
    date, year_1950, year_1960 = {"NgayThangNam": "19900131"}, {"Nam": "1950"}, {"Nam": "1960"}
    both = (await answer_for(MAU, date, birth_answer="both"))["NgayThangNamSinh"]
    assert both == {"Nam": "1990", "NgayThangNam": "19900131"}
    assert (await answer_for(THU, year_1950))["NgayThangNamSinh"] == {"Nam": "1950"}
    assert (await answer_for(PHONG, year_1960))["NgayThangNamSinh"] == {"Nam": "1960"}
    assert (await answer_for(THU, year_1950, unknown_parts="zeros"))["NgayThangNamSinh"] == {"NgayThangNam": "19500000"}
    assert (await answer_for(PHONG, year_1960, unknown_parts="zeros"))["NgayThangNamSinh"] == {"NgayThangNam": "19600700"}


async def test_what_is_not_known_is_left_out_or_empty() -> None:
    """absent: empty writes every element; the card number is written only for those who have one."""
    assert "NhomMau" not in await answer_for(THU, {"Nam": "1950"})
    empty = await answer_for(THU, {"Nam": "1950"}, absent="empty")
    assert [name for name in ORDER if name not in empty] == ["SoCCCD"]
    assert empty["NhomMau"] == empty["ThuongTru"] == empty["Cha"] == empty["SoCMND"] == ""
    assert (await answer_for(THU | {"card_number": "079050990003"}, {"Nam": "1950"}))["SoCCCD"] == "079050990003"


async def test_the_collection_tells_its_count_and_time() -> None:
    """SoCongDan, GhiChu, ThoiDiemDuLieu and id; the time with its zone or without; or no attribute at all."""
    async with registry() as caller:
        first = (await caller.look_up()).body.attrib
        assert first == {
            "SoCongDan": "1",
            "GhiChu": "Dữ liệu mô phỏng",
            "ThoiDiemDuLieu": "2026-11-22T05:26:40+07:00",
            "id": "MP1",
        }
        assert (await caller.look_up()).body.get("id") == "MP2"
    async with registry(data_time="local") as caller:
        assert (await caller.look_up()).body.get("ThoiDiemDuLieu") == "2026-11-22T05:26:40"
    async with registry(collection_attributes=False) as caller:
        assert (await caller.look_up()).body.attrib == {}


async def test_verification_has_both_spellings_and_namespaces() -> None:
    """TonTai as 1 or 0; KetQuaXacThuc in the question's namespace."""
    async with registry(boolean_form="digits") as caller:
        assert (await caller.verify()).exists == "1" and (await caller.verify(HoVaTen="AI")).exists == "0"
    async with registry(verify_namespace="question") as caller:
        told = await caller.verify()
        assert told.body.tag == f"{ASKED}KetQuaXacThuc" and told.body.findtext(f"{ASKED}TonTai") == "true"


async def test_faults_may_come_with_200_and_quote() -> None:
    """fault_status: 200, answer_type, and quote_values, with which a fault holds what a person typed."""
    async with registry() as caller:
        told = await caller.look_up(fields(SoDinhDanh="123"))
        assert told.status == 500 and "123" not in told.text
    async with registry(fault_status=200, quote_values=True, answer_type="application/xml") as caller:
        told = await caller.look_up(fields(SoDinhDanh="12<3"))
        assert told.status == 200 and told.content_type == "application/xml" and "(12<3)" in told.words


# --- people ----------------------------------------------------------------------------------------------------------


def invented(count: int, **query: Any) -> str:
    return "people?" + "&".join(f"{name}={value}" for name, value in {"limit": count, **query}.items())


async def test_people_can_be_picked_and_asked_for_as_shown() -> None:
    """Everybody on the list is found by the question beside them, in every way of matching names."""
    for match in ("exact", "stripped", "lenient"):
        async with registry(people=60, known_people=[], name_match=match) as caller:
            listed = await caller.control("GET", invented(60))
            assert listed["total"] == len(listed["people"]) == 60
            for one in listed["people"]:
                asked = dict(one["question"])
                birth = {name: asked.pop(name) for name in ("Nam", "NgayThangNam") if name in asked}
                given = fields(**({"SoDinhDanh": ...} | asked), NgayThangNamSinh=birth)
                found = (await caller.look_up({name: given[name] for name in sorted(given, key=ANY_QUESTION.index)})).people
                assert [shape(person).get("SoDinhDanh") for person in found] == [one["person"].get("number")]


async def test_people_are_listed_in_pages_and_by_kind() -> None:
    """limit and offset walk the list; each kind is there among fifty people; the configured people come first."""
    async with registry(people=50) as caller:
        everyone = (await caller.control("GET", invented(99)))["people"]
        assert [one["person"]["name"] for one in everyone[:4]] == [person["name"] for person in PEOPLE]
        assert (await caller.control("GET", invented(3, offset=5)))["people"] == everyone[5:8]
        assert len((await caller.control("GET", "people"))["people"]) == 20
        for kind in ("ordinary", "birth_year", "birth_month", "old_number"):
            listed = await caller.control("GET", invented(99, kind=kind))
            assert listed["total"] > 1 and listed["people"] == [one for one in everyone if one["kind"] == kind]
        async with caller.http.get(f"{caller.url}/_control/people?limit=x") as got:
            assert got.status == 400


async def test_invented_people_are_the_same_for_a_seed() -> None:
    """The same seed gives the same people, more of them on demand; another seed gives others."""

    async def listed(count: int, **config: Any) -> Any:
        async with registry(people=count, known_people=[], **config) as caller:
            return (await caller.control("GET", invented(count)))["people"]

    assert await listed(30) == (await listed(80))[:30]
    assert await listed(30) != await listed(30, seed=2)


async def test_invented_numbers_have_the_right_form_and_are_nobodys() -> None:
    """Province, century with gender, year; serials from 99, wards from 99; and no number twice."""
    async with registry(people=2000, known_people=[]) as caller:
        people = [one["person"] for one in (await caller.control("GET", invented(2000)))["people"]]
    numbers = [person["number"] for person in people if "number" in person]
    old_numbers = [person["old_number"] for person in people if "old_number" in person]
    assert len(set(numbers)) == len(numbers) > 1900 and len(set(old_numbers)) == len(old_numbers) > 500
    for person in people:
        century = str(2 * (int(person["birth"][:2]) - 19) + (person["gender"] == "2"))
        form = rf"0[0-9]{{2}}{century}{person['birth'][2:4]}99[0-9]{{4}}"
        assert "number" not in person or re.fullmatch(form, person["number"])
        assert re.fullmatch(r"990[0-9]{6}", person.get("old_number", "990000000"))
        assert person["permanent"]["ward"].startswith("99") and "mô phỏng" in person["permanent"]["detail"]
        assert "district" not in person["permanent"] and person["birth"] < "2026"


async def test_districts_come_and_go() -> None:
    """Before July 2025 addresses have a district; mixed registries have both."""
    for levels, seen in [("three", {True}), ("mixed", {True, False}), ("two", {False})]:
        async with registry(people=60, known_people=[], address_levels=levels) as caller:
            people = (await caller.control("GET", invented(60)))["people"]
            assert {"district" in one["person"]["permanent"] for one in people} == seen


@pytest.mark.parametrize(
    "config",
    [
        {"known_people": [{"name": "Không Số"}]},
        {"known_people": [MAU | {"birth": "1990-02-30"}]},
        {"known_people": [MAU | {"birth": "31/01/1990"}]},
        {"known_people": [MAU | {"number": "1"}]},
        {"known_people": [MAU | {"nickname": "x"}]},
        {"path": "dancu"},
        {"path": "/_control/state"},
        {"path": "/token"},
        {"secret": "x"},
    ],
)
def test_a_configuration_that_cannot_be_is_refused(config: dict[str, Any]) -> None:
    """People without number, days that do not exist, unknown keys, paths that cannot be told apart."""
    with pytest.raises(ValidationError):
        PopulationSimulatorConfig.model_validate(config)
