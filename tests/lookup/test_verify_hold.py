"""``on_mismatch: hold`` keeps back each owner who may be a citizen and is not confirmed: nothing that is left out passes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from flow.parts import REPOSITORY, send, settled, states, told, until

from hub.delivery.verify import Verification
from hub.dossier.applicant import is_no_citizen
from lookup.parts import NAME, NUMBER, OLD_NUMBER, PERSON, VERIFY, Desk, config, running

FLAG = VERIFY.replace("on_mismatch: hold", "on_mismatch: flag")
NO_YEAR = VERIFY.replace("on_mismatch", "birth_year_from_number: false, on_mismatch")
MAPPING = "mappings/opencps-to-dossier/1.0.0.yaml"
OTHER = {**PERSON, "HoVaTen": {"Ten": "Lê Thị Thử"}}
NOT_ASKABLE: dict[str, tuple[dict[str, Any], str]] = {
    "a digit too few": ({"applicantIdNo": NUMBER[:-1]}, "number"),
    "a letter for a digit": ({"applicantIdNo": f"O{NUMBER[1:]}"}, "number"),
    "a letter for a digit of an old number": ({"applicantIdNo": f"O{OLD_NUMBER[1:]}"}, "number"),
    "no number": ({"applicantIdNo": ""}, "number"),
    "no name": ({"applicantName": ""}, "name"),
    "no name and a digit too many": ({"applicantName": "", "applicantIdNo": f"{NUMBER}1"}, "number, name"),
    "no kind": ({"applicantIdType": ""}, "owner.kind"),
    "neither kind nor number": ({"applicantIdType": "", "applicantIdNo": "", "applicantName": ""}, "owner.kind"),
    "no kind and the number of an organisation": ({"applicantIdType": "", "applicantIdNo": "0100000001"}, "owner.kind"),
    "an old number, of which no birth is known": ({"applicantIdNo": OLD_NUMBER}, "birth"),
}
OF_A_KIND = {name: one for name, one in NOT_ASKABLE.items() if one[1] != "owner.kind"}
"""Without a kind the portal's packet cannot be made: dead by another cause."""
NO_CITIZEN: dict[str, dict[str, Any]] = {
    "a business": {"applicantIdType": "business", "applicantIdNo": "0100000001", "applicantName": "Công ty Mẫu"},
    "a passport": {"applicantIdNo": "P0000001"},
}


def record(**changed: Any) -> dict[str, Any]:
    applicant = {"applicantIdType": "citizen", "applicantName": NAME, "applicantIdNo": NUMBER}
    return {**told(1)[0].records[0], **applicant, **changed}


def consulted(desk: Desk) -> list[Any]:
    return [one.body["DSKetNoiCSDL"] for one in desk.portal.calls if one.schema.id == "npsp-dossier"]


async def warned(desk: Desk) -> list[tuple[str, str]]:
    found: Any = await desk.hub.store.dossier(record()["dossierNo"])
    events = [one for one in found["timeline"] if one["event"] == "delivered"]
    return [(one["code"], one["message"]) for event in events for one in event.get("warnings", [])]


async def held(desk: Desk, given: dict[str, Any]) -> Any:
    """The dead letter that the record becomes, when nothing moves any more."""
    await send(desk.hub, given, desk.clock)

    def moves() -> bool:
        found = states(desk.hub).keys()
        return bool({"claimed", "in_doubt"} & found) or found == {"pending"}

    await until(lambda: not moves())
    letters = await desk.hub.store.dead()
    assert (desk.portal.calls, [one["attempts"] for one in letters]) == ([], [0])
    letter: Any = letters[0]
    said = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", str(letter))  # any four digits may be in one
    assert not any(value in said for value in (NAME, NUMBER, NUMBER[:-1], OLD_NUMBER, "Lê Thị Thử", "1990"))
    return letter


@pytest.mark.parametrize(("changed", "places"), NOT_ASKABLE.values(), ids=NOT_ASKABLE.keys())
async def test_a_citizen_who_cannot_be_asked_about_is_held(tmp_path: Path, changed: dict[str, Any], places: str) -> None:
    """With the places that it lacks; nobody was asked. Mended at the source, it goes."""
    async with running(tmp_path) as desk:
        letter = await held(desk, record(**changed))
        assert (letter["code"], desk.population.asked) == ("applicant_not_askable", [])
        assert letter["reason"] == f"population cannot be asked about the owner: look at {places}"
        await send(desk.hub, {**record(), "modifiedDate": "21/11/2026 23:59:59"}, desk.clock)
        assert (await settled(desk.hub)).keys() <= {"delivered", "superseded"}
        assert consulted(desk) == [[{"MaCSDL": "7"}]]


@pytest.mark.parametrize(("changed", "places"), OF_A_KIND.values(), ids=OF_A_KIND.keys())
async def test_a_citizen_who_cannot_be_asked_about_is_flagged(tmp_path: Path, changed: dict[str, Any], places: str) -> None:
    """``flag``: sent without the mark, with the same words as a warning."""
    async with running(tmp_path, config(verify=FLAG)) as desk:
        await send(desk.hub, record(**changed), desk.clock)
        assert await settled(desk.hub) == {"delivered": 2}
        assert (consulted(desk), desk.population.asked) == ([[]], [])
        assert await warned(desk) == [
            ("applicant_not_askable", f"population cannot be asked about the owner: look at {places}")
        ]


@pytest.mark.parametrize("changed", NO_CITIZEN.values(), ids=NO_CITIZEN.keys())
async def test_who_is_certainly_no_citizen_goes(tmp_path: Path, changed: dict[str, Any]) -> None:
    """An organisation, or somebody known by a passport alone: not asked about, not held, with a warning."""
    async with running(tmp_path) as desk:
        await send(desk.hub, record(**changed), desk.clock)
        assert await settled(desk.hub) == {"delivered": 2}
        assert (consulted(desk), desk.population.asked) == ([[]], [])
        assert await warned(desk) == [("not_verified", "population was not asked: the owner is no citizen")]


@pytest.mark.parametrize(
    ("owner", "is_none"),
    [
        ({"kind": "enterprise"}, True),
        ({"kind": "state_body", "id_number": NUMBER}, True),
        ({"kind": "other_organisation"}, True),
        ({"kind": "citizen", "id_number": "B1234567"}, True),
        ({"kind": "citizen", "id_number": "E12345678"}, True),
        ({"id_number": "AB1234567"}, True),
        ({"kind": "citizen", "id_number": "B1234567", "identity_papers": [{"kind": "citizen_card", "number": NUMBER}]}, False),
        ({"kind": "citizen", "id_number": "I12345678"}, False),
        ({"kind": "citizen", "id_number": "b1234567"}, False),
        ({"kind": "citizen", "id_number": "B12345678901"}, False),
        ({"kind": "citizen", "id_number": "0100000001"}, False),
        ({"kind": "citizen"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_who_is_certainly_no_citizen(owner: Any, is_none: bool) -> None:
    """By kind, or by a passport's number and no other paper; in doubt everybody is one."""
    assert is_no_citizen({"owner": owner} if owner is not None else {}) is is_none


async def test_an_owner_without_a_birth_to_ask_with_is_held(tmp_path: Path) -> None:
    """``birth_year_from_number: false`` and a registry that wants a birth."""
    async with running(tmp_path, config(verify=NO_YEAR)) as desk:
        letter = await held(desk, record())
        assert (letter["code"], desk.population.asked) == ("applicant_not_askable", [])
        assert letter["reason"].endswith("look at birth")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (None, "population knows no person with the owner's number and name and the birth year taken from the number"),
        (OTHER, "population knows another person by the owner's number, or one who was not born in the year taken from the "
                "number"),
    ],
    ids=["nobody", "another"],
)  # fmt: skip
async def test_a_year_that_was_taken_from_the_number_is_told(tmp_path: Path, said: Any, reason: str) -> None:
    """It may be the year alone that does not fit, or that the registry does not take."""
    async with running(tmp_path) as desk:
        desk.population.script = lambda query: said
        assert (await held(desk, record()))["reason"] == reason


@pytest.mark.parametrize(
    ("changed", "code"),
    [({}, "applicant_mismatch"), (NOT_ASKABLE["no number"][0], "applicant_not_askable"),
     (NO_CITIZEN["a business"], "not_verified")],
    ids=["mismatch", "not askable", "no citizen"],
)  # fmt: skip
async def test_a_mark_that_the_sender_set_is_the_senders_word(tmp_path: Path, changed: dict[str, Any], code: str) -> None:
    """It is neither set again nor taken away, and the warning says that it is there."""
    made = yaml.safe_load((REPOSITORY / MAPPING).read_text(encoding="utf-8"))
    made["version"], made["tests"] = "1.0.1", [one for one in made["tests"] if "expect" in one][:1]
    made["set"]["databases_consulted.0.code"] = {"value": "7"}
    made["tests"][0]["expect"]["databases_consulted"] = [{"code": "7"}]
    mine = (tmp_path / "home" / MAPPING).with_name("1.0.1.yaml")
    mine.parent.mkdir(parents=True)
    mine.write_text(yaml.safe_dump(made, allow_unicode=True, sort_keys=False), encoding="utf-8")
    async with running(tmp_path, config(verify=FLAG)) as desk:
        desk.population.script = lambda query: OTHER
        await send(desk.hub, record(**changed), desk.clock)
        assert await settled(desk.hub) == {"delivered": 2}
        assert consulted(desk) == [[{"MaCSDL": "7"}]]
        ((said, message),) = await warned(desk)
        assert said == code
        assert message.endswith("; the dossier itself says that population was consulted, and is sent as it came")


async def test_a_hub_that_ignores_the_hold_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sabotage: misfits and those who cannot be asked about are sent all the same; the tests above turn red."""
    from seams.sabotage import KINDS

    for name in ("question", "verdict"):  # put back at the end
        monkeypatch.setattr(Verification, name, getattr(Verification, name))
    KINDS["ignores_the_hold"]()
    sent = r"assert \(\[Message"
    with pytest.raises(AssertionError, match=sent):
        await test_a_citizen_who_cannot_be_asked_about_is_held(tmp_path / "1", *NOT_ASKABLE["a digit too few"])
    with pytest.raises(AssertionError, match=sent):
        await test_a_year_that_was_taken_from_the_number_is_told(tmp_path / "2", None, "")
