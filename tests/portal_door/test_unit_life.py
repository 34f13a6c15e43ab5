"""A provincial system's own client and its life, played against the simulator of the portal."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from portal_door.unit_client import CHUNK, PORTAL, Answer, Door, UnitClient
from portal_door.unit_life import (
    CATALOGUES,
    OPEN,
    OTHER_CATALOGUES,
    PROGRESS_REQUIRED,
    REQUIRED,
    REQUIRED_DATES,
    REQUIRED_LATER,
    Kind,
    Procedure,
    Step,
    decided,
    kind_of,
    outline,
    play,
)

pytestmark = pytest.mark.xdist_group("portal_door")  # one simulator and one life for all of them

SESSION_SECONDS = 3.0
USERNAME, PASSWORD = "don-vi-thu", "mat-khau-thu"
ADAPTER = "/XrdAdapter/RestService/forward"


def expire() -> None:
    time.sleep(SESSION_SECONDS + 0.3)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a simulator that is a process of its own."""
    settings = {"username": USERNAME, "password": PASSWORD, "session_seconds": str(SESSION_SECONDS)}
    command = [str(Path(sys.executable).with_name("hub")), "simulate", "national-portal", "--port", "0"]
    for name, value in settings.items():
        command += ["--set", f"{name}={value}"]
    process = subprocess.Popen(command, cwd=tmp_path_factory.mktemp("portal"), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("listening on "), said
        yield said.removeprefix("listening on ").strip()
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture(scope="module")
def door(portal: str) -> Door:
    return Door(portal + ADAPTER, USERNAME, PASSWORD)


@pytest.fixture(scope="module")
def lives(door: Door) -> tuple[list[Step], list[Step]]:
    """Two, at the same time; the second says its dstcode in the address, as other provinces do."""
    in_query = Door(door.base, USERNAME, PASSWORD, dstcode_place="query")
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(play, door, expire, serial=1), pool.submit(play, in_query, expire, serial=201)
        return first.result(), second.result()


@pytest.fixture(scope="module")
def life(lives: tuple[list[Step], list[Step]]) -> list[Step]:
    return lives[0]


@pytest.fixture(scope="module")
def said(life: list[Step]) -> dict[str, Step]:
    return {step.name: step for step in life}


@pytest.fixture
def client(door: Door) -> UnitClient:
    return UnitClient(door)


def taken(step: Step) -> bool:
    return step.status == 200 and step.error_code == 0 and step.kind == "ok"


def refused(step: Step, kind: Kind) -> bool:
    return step.error_code not in (None, 0) and step.kind == kind and step.message != ""


# The life


def test_every_step_has_a_name_of_its_own_and_the_open_ones_are_played(life: list[Step]) -> None:
    names = [step.name for step in life]
    assert len(set(names)) == len(names)
    assert set(names) >= OPEN
    assert len(decided(life)) == len(life) - len(OPEN)


def test_two_lives_are_the_same(lives: tuple[list[Step], list[Step]]) -> None:
    """Wherever they say their dstcode."""
    first, second = lives
    assert second == first


def test_a_life_shows_a_portal_that_answers_otherwise(life: list[Step], door: Door, portal: str) -> None:
    fault = {"fault": "refuse", "service": "DongBoHoSoMC", "code": -1, "message": "Sai đơn vị"}
    opener = build_opener(ProxyHandler({}))
    with opener.open(Request(portal + "/_control/faults", data=json.dumps(fault).encode()), timeout=10) as planted:
        assert planted.status < 300
    other = play(door, expire, serial=401)
    assert [step.name for step in other] == [step.name for step in life]
    changed = [step.name for step, usual in zip(other, life, strict=True) if step != usual]
    # The first insert was refused, so the portal does not know the dossier, and takes it when it comes again.
    assert changed == ["insert", "look-up of a known dossier", "insert of the same again"]


def test_sign_in(said: dict[str, Step]) -> None:
    assert taken(said["sign-in"]) and said["sign-in"].shape == "session"
    assert taken(said["second sign-in"]) and said["second sign-in"].shape == "session"
    for name in ("sign-in with a wrong password", "sign-in of an unknown account", "sign-in without a password"):
        assert said[name].shape != "session" and not taken(said[name]), name


def test_sessions(said: dict[str, Step]) -> None:
    assert taken(said["call with a session"])
    assert taken(said["call that renews its session"])
    for name in ("call without a session", "call with a session never given", "call with an expired session"):
        assert refused(said[name], "bad_session"), name


def test_catalogues(said: dict[str, Step]) -> None:
    shapes = {
        "LayDanhMucCoQuan": "[{CAPDONVI: text, MADONVI: text, TENDONVI: text}]",
        "LayDanhMucLinhVuc": "[{MALINHVUC: text, MANGANH: text, TENLINHVUC: text}]",
        "LayDanhSachTTHC": "[{MATTHC: text, TENTTHC: text}]",
    }
    for name, shape in shapes.items():
        assert taken(said[name]) and said[name].shape == shape, name
    # Of the other catalogues only the names were found. They are arrays, or a service that this portal does not have.
    unknown = said["call of an unknown service"]
    for name in [f"LayDanhMuc{name}" for name in OTHER_CATALOGUES] + ["TraCuuTechID"]:
        step = said[name]
        same = (step.status, step.error_code, step.kind, step.shape)
        assert taken(step) or same == (unknown.status, unknown.error_code, unknown.kind, unknown.shape), name
        assert step.shape.startswith("["), name


def test_results_are_arrays(life: list[Step]) -> None:
    for step in life:
        if taken(step) and step.shape != "session":
            assert step.shape.startswith("["), step.name


def test_look_ups(said: dict[str, Step]) -> None:
    for name in ("look-up of an unknown dossier", "look-up of one that was refused", "look-up of the wrong one of two"):
        assert taken(said[name]) and said[name].shape == "[]", name
    held = (
        "look-up of a known dossier",
        "look-up after an update",
        "look-up of the first of two",
        "look-up of the second of two",
        "look-up at the end",
        "look-up after all that",
    )
    for name in held:
        assert taken(said[name]) and said[name].shape not in ("[]", "none"), name


def test_dossiers(said: dict[str, Step]) -> None:
    for name in (
        "insert",
        "update",
        "update with the same again",
        "two dossiers",
        "insert of one with every list",
        "insert with NgayHenTra empty",
        "update to returned",
    ):
        assert taken(said[name]), name
    for name in ("insert of the same again", "insert after an update"):
        assert refused(said[name], "exists") and said[name].error_code in (3, -3), name


@pytest.mark.parametrize("name", REQUIRED + REQUIRED_LATER)
def test_required_fields(said: dict[str, Step], name: str) -> None:
    assert refused(said[f"insert without {name}"], "missing_field")
    if name in REQUIRED_DATES:
        assert refused(said[f"insert with {name} empty"], "missing_field")


def test_an_update_needs_its_fields_too(said: dict[str, Step]) -> None:
    assert refused(said["update without TenTTHC"], "missing_field")


def test_progress(said: dict[str, Step]) -> None:
    for name in ("progress", "25 progress steps", "25 progress steps, chunk 2", "25 progress steps, chunk 3"):
        assert taken(said[name]), name
    assert "25 progress steps, chunk 4" not in said
    assert taken(said["progress to returned"])
    for field in PROGRESS_REQUIRED:
        assert refused(said[f"progress without {field}"], "missing_field"), field


def test_what_is_wrong_or_unknown_is_never_taken(said: dict[str, Step]) -> None:
    for name in (
        "update of an unknown dossier",
        "progress of an unknown dossier",
        "two dossiers, the second without its name",
        "call of an unknown service",
        "call without a service",
        "malformed JSON",
        "malformed JSON at sign-in",
        "JSON that is no object",
        "wrong content type",
    ):
        assert not taken(said[name]) and said[name].message, name


def test_what_an_update_of_an_unknown_dossier_left(said: dict[str, Step]) -> None:
    """Refused or taken is open; but the look-up and the insert after it must agree with it."""
    held = said["look-up after the update of an unknown dossier"].shape != "[]"
    assert held == taken(said["update of an unknown dossier"])
    assert said["update of an unknown dossier, then insert"].kind == ("exists" if held else "ok")


# The client


def test_a_procedure_is_one_object_in_an_array(client: UnitClient) -> None:
    answer = client.procedure(Procedure().code)
    assert answer.ok and len(answer.result) == 1
    procedure = answer.result[0]
    assert procedure["MATTHC"] == Procedure().code and procedure["TENTTHC"] == Procedure().name
    assert {"MALINHVUC": Procedure().field_code, "TENLINHVUC": Procedure().field_name} in procedure["LINHVUCTHUCHIEN"]
    assert set(procedure) >= {
        "TRANGTHAI", "YEUCAU", "MOTADOITUONGTHUCHIEN", "TRINHTUTHUCHIEN", "CACHTHUCTHUCHIEN", "THANHPHANHOSO",
        "KETQUATHUCHIEN", "CANCUPHAPLY", "COQUANTHUCHIEN",
    }  # fmt: skip
    for way in procedure["CACHTHUCTHUCHIEN"]:
        assert way["KENH"] in (1, 2, 3)
        for term in way["THOIGIAN"]:
            assert isinstance(term["THOIGIANGIAIQUYET"], int)
            assert all(isinstance(fee["SOTIEN"], int | float) for fee in term["PHILEPHI"])


def test_a_session_is_renewed_once(client: UnitClient) -> None:
    assert client.catalogue(CATALOGUES[0]).ok and client.sign_ins == 1
    first = client.session
    assert client.procedures().ok and client.sign_ins == 1
    expire()
    assert client.procedures().ok and client.sign_ins == 2
    assert client.session != first


def test_a_client_that_cannot_sign_in_says_so(door: Door) -> None:
    client = UnitClient(Door(door.base, USERNAME, "khac"))
    answer = client.procedures()
    assert not answer.ok and answer.result is None and client.session == ""


def test_what_is_sent() -> None:
    """Against a server that only writes down what it is sent, and says its codes as digits."""
    seen: list[tuple[str, dict[str, str], dict[str, object]]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append((self.path, {name.casefold(): value for name, value in self.headers.items()}, body))
            said = json.dumps({"error_code": "0", "message": "", "session": "phien-1", "result": []}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:
            return None

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            base = f"http://127.0.0.1:{server.server_port}/VXPAdapter/RestService/forward/"
            client = UnitClient(Door(base, "a", "b", share_path="/chia-se", integration_path="/tich-hop"))
            assert client.look_up("000.00.10.H22-260915-0001").ok
            assert len(client.progress([{"MaHoSo": str(number)} for number in range(25)])) == 3
            assert client.catalogue("CoQuan").ok and client.sign_ins == 1
            in_query = Door(base, "a", "b", dstcode_place="query", provider_url="https://dvc.invalid", auth_path="/vao")
            UnitClient(in_query).sign_in()
        finally:
            server.shutdown()
            thread.join()

    paths = [urlsplit(path).path.removeprefix("/VXPAdapter/RestService/forward") for path, _, _ in seen]
    assert paths == ["/mapi/login", *["/tich-hop"] * 4, "/chia-se", "/vao"]
    for _, headers, _ in seen:
        assert headers["accept"] == headers["content-type"] == "application/json" and headers["charset"] == "utf-8"
    assert all(headers["dstcode"] == PORTAL and "?" not in path for path, headers, _ in seen[:-1])
    path, headers, body = seen[-1]
    assert "dstcode" not in headers and body == {"username": "a", "password": "b"}
    assert parse_qs(urlsplit(path).query) == {"dstcode": [PORTAL], "providerurl": ["https://dvc.invalid"]}
    head = {"session": "phien-1", "madonvi": "000.00.00.H22"}
    assert seen[1][2] == {**head, "service": "TraCuuHoSo", "mahoso": "000.00.10.H22-260915-0001"}
    chunks = [body["data"] for _, _, body in seen[2:5]]
    assert [len(chunk) for chunk in chunks if isinstance(chunk, list)] == [CHUNK, CHUNK, 5]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(200, 0, "Hồ sơ đã tồn tại"), "ok"),
        (Answer(200, 3, "Hồ sơ đã tồn tại"), "exists"),
        (Answer(200, -3, "Hồ sơ ĐÃ TỒN TẠI"), "exists"),
        (Answer(200, -3, "Hồ sơ không tồn tại"), "not_found"),
        (Answer(200, -3, "TenTTHC không được để trống"), "missing_field"),
        (Answer(200, -1, "Phiên làm việc đã hết hạn"), "bad_session"),
        (Answer(200, -9, "Lỗi khác"), "other"),
        (Answer(503, None, "session"), "other"),
    ],
)
def test_kinds(answer: Answer, kind: Kind) -> None:
    assert kind_of(answer) == kind


def test_outlines() -> None:
    assert outline([None]) == "none"
    assert outline([[]]) == "[]"
    assert outline([[{"KENH": 1, "khac": 2}, {"KENH": "2", "MOTA": True}]]) == "[{KENH: number|text, MOTA?: bool}]"
    assert outline([[{"THOIGIAN": []}, {"THOIGIAN": [{"MOTA": ""}]}]]) == "[{THOIGIAN: [{MOTA: text}]}]"
    assert outline([[[], "a"]]) == "[[]|text]"
