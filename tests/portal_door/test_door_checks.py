"""What ``hub check`` says of a door before anybody knocks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from flow.parts import make_home
from pydantic import ValidationError

from connectors.national_portal.connector import NationalPortal
from hub.assembly import examine
from hub.errors import UnknownSchema
from hub.translation import Catalog
from portal_door.parts import config

pytestmark = pytest.mark.xdist_group("portal_door")

Found = Callable[..., set[tuple[str, str]]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def found(home: Path) -> Found:
    """(place, code) of every problem of an endpoint with these settings of its door. ``change`` is done to the whole."""
    catalog, _ = Catalog.read((home,), {})

    def document(ref: str) -> Mapping[str, Any] | None:
        try:
            return catalog.schema(ref).document
        except UnknownSchema:
            return None

    def find(change: Callable[[dict[str, Any]], object] = lambda whole: None, **door: Any) -> set[tuple[str, str]]:
        whole = copy.deepcopy(config("http://127.0.0.1:9", **door))
        change(whole)
        sent = [route["as"] for route in whole["routes"].values()]
        try:
            settings = NationalPortal.Config.model_validate(whole["endpoints"]["portal"]["settings"])
        except ValidationError as error:
            return {(".".join(map(str, one["loc"])), one["type"]) for one in error.errors()}
        return {(one.at, one.code) for one in NationalPortal.problems(settings, sent, document)}

    return find


def test_a_door_as_it_should_be(found: Found) -> None:
    assert found() == set()
    assert found(array_path=None, answer="stored", codes={"refused": -9, "session": "het-phien"}) == set()


def test_accounts(found: Found) -> None:
    assert found(accounts={}) == {("door.accounts", "missing")}
    speechless = {"mot": {"sender": "mot-cua"}, "hai": {"sender": "dat-dai", "madonvi": []}}
    assert found(accounts=speechless) == {(f"door.accounts.{name}.madonvi", "missing") for name in speechless}
    colon = {"a:b": {"sender": "mot-cua", "madonvi": ["000.00.00.H22"]}}
    assert found(accounts=colon) == {("door.accounts.a:b", "bad_value")}
    assert found(accounts=colon, array_path=None) == set()
    assert {at for at, _ in found(accounts={"mot": {"sender": "Một cửa", "madonvi": ["x"]}})} == {"door.accounts.mot.sender"}


def test_agencies_are_a_list() -> None:
    """One agency without brackets: what to write is said."""
    settings = config("http://127.0.0.1:9", accounts={"mot": {"sender": "mot-cua", "madonvi": "000.00.00.H22"}})
    with pytest.raises(ValidationError, match=r"write a list: \[ID\]"):
        NationalPortal.Config.model_validate(settings["endpoints"]["portal"]["settings"])


def test_codes_that_a_client_could_not_tell_apart(found: Found) -> None:
    """Come back later, and never: of one code, a client would give up what it should ask again, or the other way round."""
    for codes in ({"refused": -4}, {"refused": "-4"}, {"busy": -3}, {"session": -5}, {"sign_in": -4}):
        assert found(codes=codes) == {("door.codes", "bad_value")}, codes
    assert found(codes={"waiting": -5}) == set()


def test_schemas(found: Found) -> None:
    assert found(dossier_schema="portal-dosier@1") == {("door.dossier_schema", "unknown_schema")}
    assert found(progress_schema="npsp-progress@1") == {("door.progress_schema", "not_a_source")}
    assert found(progress_schema="portal-dossier@1") == {("door.progress_schema", "bad_value")}


def test_a_door_from_which_nothing_goes_on(found: Found) -> None:
    assert found(lambda whole: whole["routes"].pop("dossiers-to-portal")) == {("door", "no_route")}


def test_paths(found: Found) -> None:
    assert found(paths=["/a", "/a"]) == {("door.paths", "path_taken")}
    assert found(paths=["/v1/portal"], array_path="/console/x") == {
        ("door.paths", "path_taken"), ("door.array_path", "path_taken"),
    }  # fmt: skip
    assert found(paths=["/v12/portal"]) == set()

    def one_place(whole: dict[str, Any]) -> None:
        whole["endpoints"]["portal"]["settings"]["auth_endpoint"] = "mapi/g"

    assert found(one_place) == {("door.paths", "path_taken")}

    def at_the_array(whole: dict[str, Any]) -> None:
        whole["endpoints"]["portal"]["settings"]["share_endpoint"] = "/LayThuTuc"

    assert ("door.array_path", "path_taken") in found(at_the_array, paths=["/api/SynsTTHCC"])
    assert {at for at, _ in found(paths=["api/"])} == {"door.paths.0"}


def test_hub_check_says_all_of_it_with_its_place(home: Path) -> None:
    """A door that nobody may enter, and another at the same place."""
    whole = copy.deepcopy(config("http://127.0.0.1:9"))
    other = whole["endpoints"]["second"] = copy.deepcopy(whole["endpoints"]["portal"])
    other["settings"]["door"] = {"array_path": "/api/other"}
    (home / "config.yaml").write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    _, problems, _ = examine(home)
    found = [(one.at, one.code) for one in problems if one.at.startswith("endpoints.")]
    at = "endpoints.second.settings"
    assert set(found) == {(f"{at}.door.accounts", "missing"), (f"{at}.door", "no_route"), (at, "path_taken")}
    assert found.count((at, "path_taken")) == 4, "sign-in and calls, on both adapters"
    assert all(one.source.startswith("config.yaml:") for one in problems if one.at.startswith("endpoints."))


def test_success_is_no_code_of_a_refusal(found: Found) -> None:
    for code in (0, "0", "00", "-0"):
        assert found(codes={"waiting": code}) == {("door.codes", "bad_value")}, code
