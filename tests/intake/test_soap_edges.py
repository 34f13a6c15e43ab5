"""What stands around a message, and what is asked of a SOAP door beside messages, gets an answer that a SOAP client reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from flow.parts import make_home, settled
from soap_hub import CODE, PATH, SOAP, SoapHub, dossier, envelope, progress, soap_config, started
from typer.testing import CliRunner

from hub.cli.main import app
from hub.message import new_id

pytestmark = pytest.mark.xdist_group("soap_edges")
shared = pytest.mark.asyncio(loop_scope="module")
HEADER = '<s:Header><t:T xmlns:t="urn:t" s:mustUnderstand="1">canary</t:T></s:Header>'
BEFORE, BODY_END, END = "<s:Body>", "</s:Body>", "</s:Envelope>"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def soap(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SoapHub]:
    """One hub for all of these tests."""
    async with started(tmp_path_factory.mktemp("soap_edges")) as made:
        yield made


@pytest.fixture
def stored(soap: SoapHub) -> Callable[[], int]:
    """How many arrivals this test stored."""
    before = soap.count()
    return lambda: soap.count() - before


@shared
@pytest.mark.parametrize(
    ("old", "new", "at", "code"),
    [
        (END, f"{HEADER}{END}", "/Envelope/Header", "misplaced"),
        (END, f"<s:Header/>{END}", "/Envelope/Header", "misplaced"),
        (END, f'<x:canary xmlns:x="urn:x"/>{END}', "/Envelope/canary", "misplaced"),
        (END, f"<s:Body/>{END}", "/Envelope/Body[2]", "misplaced"),
        (END, f"canary{END}", "/Envelope", "text"),
        (BEFORE, f"canary{BEFORE}", "/Envelope", "text"),
        (BEFORE, f"<s:Header>canary</s:Header>{BEFORE}", "/Envelope/Header", "text"),
        (BEFORE, f'<s:Header><t:T xmlns:t="urn:t"/>canary</s:Header>{BEFORE}', "/Envelope/Header", "text"),
        (BEFORE, f"{BEFORE}canary", "/Envelope/Body", "text"),
        (BODY_END, f"canary{BODY_END}", "/Envelope/Body", "text"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("door", ["soap", "rest"])
async def test_junk_around_the_message(
    soap: SoapHub, stored: Callable[[], int], door: str, old: str, new: str, at: str, code: str
) -> None:
    """It is named and refused: a sender who wrote it there meant something by it."""
    body = envelope(dossier(new_id()))
    assert body.count(old) == 1
    body = body.replace(old, new)
    if door == "soap":
        answer = await soap.post(body)
        assert answer.fault() == ("Client", {at: code})
    else:
        head = {"X-API-Key": soap.keys["one-stop"], "Hub-Schema": "one-stop-soap@1", "Content-Type": "application/xml"}
        answer = await soap.call("POST", "/v1/messages", data=body, headers=head)
        assert answer.status == 400 and f'"pointer":"{at}","code":"{code}"' in answer.body.decode()
    assert b"canary" not in answer.body.replace(b"/Envelope/canary", b"") and stored() == 0


@shared
async def test_white_space_around_the_message_is_no_junk(soap: SoapHub) -> None:
    """Nor are comments."""
    body = envelope(f"\n\t{dossier(new_id())} \r\n", header=' <t:T xmlns:t="urn:t"/> ').replace(END, f" <!-- x -->\n{END}")
    assert (await soap.post(body)).receipt()["State"] == "accepted"


@shared
@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_another_path_or_method_is_answered_with_a_fault(soap: SoapHub, version: str) -> None:
    """A slash too many, a path below, and methods that the door does not take: 404 and 405, as XML."""
    media = {"1.1": "text/xml; charset=utf-8", "1.2": "application/soap+xml; charset=utf-8"}[version]
    sender = {"1.1": "Client", "1.2": "Sender"}[version]
    head = {**soap.basic(), "Content-Type": media}
    body = envelope(dossier(new_id()), version)
    expected = [("POST", f"{PATH}/", 404), ("POST", f"{PATH}/x", 404), ("PUT", PATH, 405), ("DELETE", PATH, 405)]
    for method, path, status in [*expected, ("PUT", f"{PATH}/", 404), ("GET", f"{PATH}/", 404), ("GET", f"{PATH}/?wsdl", 404)]:
        answer = await soap.call(method, path, data=body, headers=head)
        assert (answer.status, answer.version) == (status, version), (method, path)
        code, problems = answer.fault()
        assert code == sender and set(problems.values()) == {"no_such_path" if status == 404 else "method"}
        assert "Hub-Correlation-Id" in answer.headers
        if status == 405:
            assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
        else:
            assert PATH in answer.one_problem().get("hint")
    for path in (PATH, f"{PATH}/"):
        options = await soap.call("OPTIONS", path)
        assert options.status == 204 and "POST" in options.headers["Allow"]


@shared
async def test_single_wsdl(soap: SoapHub) -> None:
    """What .NET asks for is the WSDL."""
    one, other = [await soap.call("GET", f"{PATH}?{name}") for name in ("wsdl", "singleWsdl")]
    assert other.status == 200 and other.body == one.body and other.headers["Content-Type"].startswith("text/xml")


@shared
async def test_a_step_names_its_dossier_by_its_code(soap: SoapHub, stored: Callable[[], int]) -> None:
    """A step that leaves the national code out could be sent to nobody: it is refused, not accepted for the dead letters. It
    may be empty before the dossier has one: the step stays with the hub."""
    await soap.post(envelope(dossier(new_id())))
    code = f"<o:SoHoSo>{CODE}</o:SoHoSo>"
    before = stored()
    answer = await soap.post(envelope(progress().replace(code, "")), action="ReportProgress")
    fault, problems = answer.fault()
    assert fault == "Client" and next(iter(problems)) == "/ReportProgress/TienDo/SoHoSo"
    assert stored() == before
    early = progress("p-0").replace(code, "<o:SoHoSo/>").replace("MC-2026-000001", "MC-2026-000002")
    assert (await soap.post(envelope(early), action="ReportProgress")).receipt()["State"] == "accepted"
    assert (await soap.post(envelope(progress()), action="ReportProgress")).receipt()["State"] == "accepted"
    assert set(await settled(soap.hub)) == {"delivered"}


def test_explain_says_that_a_route_may_take_it_all_the_same(tmp_path: Path) -> None:
    """A dossier without a code goes nowhere, unless the partner has it already: the store is not looked at."""
    home, file = make_home(tmp_path / "home"), tmp_path / "message.xml"
    config = home / "config.yaml"
    config.write_text(soap_config(), encoding="utf-8")
    file.write_text(envelope(dossier(SoHoSo="")), encoding="utf-8")
    command = ["--home", str(home), "explain", str(file), "--schema", "one-stop-soap@1"]
    said = CliRunner().invoke(app, command).stdout
    (line,) = [one for one in said.splitlines() if "dossiers-to-portal" in one]
    assert "not taken" in line and line.endswith("unless the dossier is already with portal"), said


def test_the_envelopes_have_the_places_that_are_changed() -> None:
    """The tests above replace them."""
    assert all(envelope("").count(one) == 1 for one in (BEFORE, BODY_END, END)) and SOAP["1.1"] in envelope("")
