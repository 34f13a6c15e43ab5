"""``hub rehearse`` on a home made by ``hub init``: nothing of the home is written, nobody else is called.

Most rehearsals run in the test's own process, under an audit hook; those whose end is a matter of the process run in one.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from cli.parts import CANARY, HUB, Ran, until
from hub.cli.main import app
from hub.config import PACKAGED

_SPY_OF_A_PROCESS = """\
import os, sys

def spy(event, arguments):
    if event == "socket.connect":
        place = arguments[1]
    elif event == "socket.getaddrinfo":
        place = arguments[:2]
    else:
        return
    with open(os.environ["CALLED"], "a") as file:
        file.write(repr(place) + "\\n")

sys.addaudithook(spy)
"""
_PLACES: list[list[object]] = []
"""Where each address that this process calls or looks up is noted. Empty while nobody listens: no hook can be taken away."""


def _spy(event: str, arguments: tuple[Any, ...]) -> None:
    if _PLACES and event in ("socket.connect", "socket.getaddrinfo"):
        _PLACES[-1].append(arguments[1] if event == "socket.connect" else arguments[:2])


sys.addaudithook(_spy)
_UNROUTABLE = "http://10.255.255.1:9/VXPAdapter/RestService/forward"
OPTIONAL = ("--set", "portal.later_fields=optional")
"""What OpenCPS does not know may be empty."""
OPENCPS = ("--schema", "opencps-dossier@1", "--as", "one-stop")
NAME = "Nguyễn Văn Bình"
_PROCEDURES = """\
table: npsp-procedures
version: 1.20261121.0
summary: Fetched from portal; a later fetch adds a version of its own.
key: [code]
columns: [name, field_code, field_name]
fetched: { from: portal, at: "2026-11-21T08:00:00+07:00" }
rows:
  - ["2.009999", A procedure of the real portal, G99-XX99, A field]
"""


class Place:
    """A home whose portal cannot be reached and whose secrets are not there, a sample, and a folder for what is temporary."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.temporary = folder, folder / "home", folder / "tmp"
        for name in ("tmp", "spy", "sample"):
            (folder / name).mkdir()
        (folder / "spy" / "sitecustomize.py").write_text(_SPY_OF_A_PROCESS)
        (folder / "called").touch()
        made = CliRunner().invoke(app, ["init", str(self.home)])
        assert made.exit_code == 0, made.stderr
        self.first: dict[str, Any] = json.loads((self.home / "first.json").read_text())
        self.settings: dict[str, Any] = {
            "adapter_url": _UNROUTABLE, "username": "${env:NOT_THERE}", "password": "${file:secrets/not-there}",
            "madonvi": "000.00.00.H22",
        }  # fmt: skip
        (self.home / "secrets" / "portal-password").unlink()
        self.change(lambda config: config["endpoints"]["portal"].update(settings=self.settings))

    def change(self, edit: Callable[[dict[str, Any]], object]) -> None:
        """Edit config.yaml."""
        path = self.home / "config.yaml"
        config = yaml.safe_load(path.read_text())
        edit(config)
        path.write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False))

    def record(self, number: int, **other: Any) -> dict[str, Any]:
        """A good record; ``other`` fields in place of its own, None for none."""
        code = f"000.00.10.H22-261121-{number:04d}"
        made = {**self.first, "referenceUid": f"r-{number}", "dossierNo": code, "applicantName": CANARY, **other}
        return {name: value for name, value in made.items() if value is not None}

    def write(self, name: str, records: list[dict[str, Any]] | dict[str, Any]) -> Path:
        path = self.folder / "sample" / name
        if name.endswith(".jsonl"):
            path.write_text("".join(json.dumps(one) + "\n" for one in records))
        else:
            path.write_text(json.dumps(records, indent=1, ensure_ascii=False))
        return path

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        mine = {"TMPDIR": str(self.temporary), "PYTHONPATH": str(self.folder / "spy"), "CALLED": str(self.folder / "called")}
        return kept | mine

    def seen(self) -> dict[str, Any]:
        """Everything in the home and the sample, as it is now."""
        return {
            str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
            for folder in (self.home, self.folder / "sample")
            for path in (folder, *sorted(folder.rglob("*")))
        }

    def rehearse(self, *words: str | Path, code: int = 0, home: bool = True, own_process: bool = False) -> Ran:
        """Run it; nothing may have changed, nothing be left, nobody else be called."""
        before = self.seen()
        given = ["rehearse", *([str(self.home)] if home else []), *map(str, words)]
        ran = self._in_a_process(given) if own_process else self._here(given)
        assert ran.code == code, f"exit code {ran.code}\n{ran.stdout}\n{ran.stderr}"
        assert self.seen() == before, "the home or the sample was written"
        assert list(self.temporary.iterdir()) == []
        assert self.called_elsewhere() == []
        assert "Traceback" not in ran.stderr
        return ran

    def _in_a_process(self, given: list[str]) -> Ran:
        command = [*HUB, *given]
        ran = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=90, check=False)
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def _here(self, given: list[str]) -> Ran:
        runner = CliRunner(env={name: None for name in os.environ if name.startswith("HUB_")})
        called: list[object] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tempfile.tempdir", str(self.temporary))
            _PLACES.append(called)
            try:
                ran = runner.invoke(app, given)
            finally:
                _PLACES.remove(called)
                with open(self.folder / "called", "a") as file:
                    file.writelines(f"{place!r}\n" for place in called)
        return Ran(ran.exit_code, ran.stdout, ran.stderr)

    def called_elsewhere(self) -> list[str]:
        return [line for line in (self.folder / "called").read_text().splitlines() if not line.startswith("('127.0.0.1', ")]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def _routes(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {route["route"]: route for message in record["messages"] for route in message["routes"]}


def test_each_record_of_a_sample_is_told(place: Place) -> None:
    """Taken, refused by the hub, kept, refused by the portal, not routed, the same again: each with its reason."""
    sample = [
        place.record(1),
        place.record(2, serviceCode=5),
        place.record(3, dossierStatus="processing", dossierSubStatus="signing"),
        place.record(4, dossierNo="000.00.10.H99-261121-0004"),
        place.record(5, dossierNo=None),
        place.record(1),
        place.record(7, viaPostal=None),
    ]
    path = place.write("all.json", sample)
    told = place.rehearse(path, *OPENCPS, *OPTIONAL, "--json", code=1).json
    assert "('127.0.0.1', " in (place.folder / "called").read_text(), "the spy saw nothing"
    assert not told["ok"] and told["stopped"] is None and told["endpoints"] == {"portal": {"simulator": "national-portal"}}
    assert told["counts"] == {"taken": 1, "unrouted": 1, "known": 1, "failed": 2, "kept": 1, "refused": 1}
    good, bad, kept, foreign, nameless, again, lacking = told["records"]
    assert {one["file"] for one in told["records"]} == {str(path)}
    assert [one["record"] for one in told["records"]] == [1, 2, 3, 4, 5, 6, 7]
    assert good["dossier"] == "000.00.10.H22-261121-0001" and good["outcome"] == "accepted"
    dossier, progress = _routes(good)["dossiers-to-portal"], _routes(good)["progress-to-portal"]
    assert (dossier["verdict"], progress["verdict"]) == ("taken", "taken")
    assert dossier["body"]["ChuHoSo"] == CANARY and dossier["as"].startswith("npsp-dossier@1.") and dossier["bytes"] > 500
    assert progress["body"]["data"][0]["MaHoSo"] == "000.00.10.H22-261121-0001"
    assert (bad["outcome"], bad["problems"][0]["at"], bad["problems"][0]["code"]) == ("refused", "/serviceCode", "mistyped")
    assert (
        kept["outcome"] == "kept" and kept["problems"][0]["code"] == "not_in_table" and "export" in kept["problems"][0]["hint"]
    )
    assert len(kept["problems"]) == 1 and kept["problems"][0]["source"].count("mappings/") == 2, "two mappings say it, once"
    refused = _routes(foreign)["dossiers-to-portal"]
    assert (refused["verdict"], refused["code"]) == ("refused", "-3") and "không thuộc đơn vị" in refused["reason"]
    behind = _routes(foreign)["progress-to-portal"]
    assert behind["verdict"] == "waiting" and behind["reason"].endswith("all.json:4") and "body" not in behind
    assert nameless["counts_as"] == "unrouted" and "code" in _routes(nameless)["dossiers-to-portal"]["why"]
    assert again["counts_as"] == "known" and again["same_as"] == f"{path}:1"
    failed = _routes(lacking)["dossiers-to-portal"]
    assert (failed["verdict"], failed["code"], failed["problems"][0]["at"]) == ("unsendable", "translation", "HinhThuc")
    assert any("npsp-procedures@1 was never fetched" in note for note in told["notes"])


def test_people_read_the_same(place: Place) -> None:
    """One line for each record and route; bodies only when they are asked for; exit code 0 when every partner took all."""
    path = place.write("good.jsonl", [place.record(1), place.record(2)])
    said = place.rehearse(path, *OPENCPS, *OPTIONAL, own_process=True)
    assert "('127.0.0.1', " in (place.folder / "called").read_text(), "the spy of the process saw nothing"
    assert "good.jsonl:1  000.00.10.H22-261121-0001  accepted" in said.stdout
    assert said.stdout.count("taken (Thành công)") == 4 and "bytes" in said.stdout
    assert "2 records: 2 taken by every partner; nothing left this machine" in said.stdout
    assert CANARY not in said.stdout + said.stderr and "note: npsp-procedures@1" in said.stderr
    shown = place.rehearse(path, *OPENCPS, *OPTIONAL, "--show").stdout
    assert shown.count(f'"ChuHoSo": "{CANARY}"') == 2
    strict = place.rehearse(path, "--as", "one-stop", code=1).stdout
    assert "refused by the simulator: -3" in strict and "không được để trống" in strict


def test_a_drop_folder_reads_its_sample(place: Place) -> None:
    """Columns, delimiter and encoding are the endpoint's; its folders are left alone, so is the sample."""
    columns = ["referenceUid", "dossierNo", "serviceCode", "govAgencyName", "applicantName", "applicantIdType", "applicantIdNo",
               "dossierNote", "submitDate", "receiveDate", "modifiedDate", "dossierStatus", "online", "viaPostal"]  # fmt: skip
    read = {
        "folder": "drop", "pattern": "*.csv", "sender": "land", "schema": "opencps-dossier@1", "format": "csv",
        "encoding": "windows-1258", "delimiter": ";", "columns": {name: f"Cột {name}" for name in columns},
    }  # fmt: skip
    place.change(lambda config: config["endpoints"].update(land={"connector": "files", "settings": {"read": read}}))
    rows = [place.record(1), place.record(2, dossierStatus="nonsense"), place.record(3, dossierNo="000.00.10.H99-261121-0003")]
    with open(place.folder / "sample" / "export.csv", "w", encoding="utf-16", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow([f"Cột {name}" for name in columns])
        writer.writerows([one[name] for name in columns] for one in rows)
    text = (place.folder / "sample" / "export.csv").read_text("utf-16")
    (place.folder / "sample" / "export.csv").write_bytes(_windows_1258(text))
    (place.folder / "sample" / "readme.txt").write_text("not a record")
    told = place.rehearse(place.folder / "sample", *OPTIONAL, "--json", code=1).json
    assert told["counts"] == {"taken": 1, "passed_over": 1, "failed": 1, "kept": 1}
    assert told["endpoints"]["land"] == {"simulator": None}
    good, kept, foreign = [one for one in told["records"] if one["record"] is not None]
    assert [one["record"] for one in (good, kept, foreign)] == [1, 2, 3]
    assert {"system": "land", "code": "r-1"} in good["names"], "the sender is the endpoint's"
    assert _routes(good)["dossiers-to-portal"]["body"]["ChuHoSo"] == CANARY
    assert kept["problems"][0]["code"] == "not_in_table" and _routes(foreign)["dossiers-to-portal"]["code"] == "-3"
    named = place.rehearse(place.folder / "sample" / "readme.txt", "--endpoint", "land", code=1).stdout
    assert "readme.txt  not read" in named and "pattern" in named
    assert not (place.home / "drop").exists()


def _windows_1258(text: str) -> bytes:
    """Vietnamese as that code page has it: letters of their own, with their tones behind them."""
    import unicodedata

    written = bytearray()
    for letter in text:
        try:
            written += letter.encode("windows-1258")
        except UnicodeEncodeError:
            parts = unicodedata.normalize("NFD", letter)
            tone = next(one for one in parts if one in "\u0300\u0301\u0303\u0309\u0323")
            written += unicodedata.normalize("NFC", parts.replace(tone, "")).encode("windows-1258") + tone.encode(
                "windows-1258"
            )
    return bytes(written)


def test_to_a_partner_without_simulator_nothing_is_sent(place: Place) -> None:
    """What it would be sent is shown; its settings, secrets and files are not needed."""
    called = {"npsp-dossier@1": {"operation": "Submit"}}
    settings = {"wsdl": "not-there.wsdl", "address": "${env:NOT_THERE}", "operations": called}
    land = {"connector": "soap", "settings": settings}
    place.change(lambda config: config["endpoints"].update(land=land))
    place.change(lambda config: config["routes"].update(land={"take": "dossier@1", "to": "land", "as": "npsp-dossier@1"}))
    path = place.write("one.json", place.record(1))
    told = place.rehearse(path, *OPTIONAL, "--json").json
    (record,) = told["records"]
    route = _routes(record)["land"]
    assert (route["verdict"], route["simulator"], route["body"]["ChuHoSo"]) == ("shown", None, CANARY)
    assert told["counts"] == {"partly": 1}, "what nobody judged is not counted as taken by every partner"
    assert any(note.startswith("land: ") and "address" in note for note in told["notes"])
    said = place.rehearse(path, *OPTIONAL).stdout
    assert "would be sent; no simulator judges it" in said and "by every partner" not in said
    assert "no simulator" in place.rehearse(path, "--set", "land.x=1", code=1).stderr


def test_the_endpoints_own_settings_are_rehearsed(place: Place) -> None:
    """Paths, account and place of dstcode are the endpoint's; procedures are those that were fetched into the home."""
    place.settings |= {
        "integration_endpoint": "/mapi/dossiers", "share_endpoint": "/mapi/lists", "auth_endpoint": "/mapi/sign-in",
        "dstcode": "VN:GOV:000.00.00.G22:another", "dstcode_in": "header", "username": "province", "madonvi": "000.00.00.H40",
        "door": {"accounts": {"unit": {"sender": "one-stop", "madonvi": ["000.00.00.H40"]}}}, "ca_file": "not-there.pem",
    }  # fmt: skip
    place.change(lambda config: config["endpoints"]["portal"].update(settings=place.settings))
    shipped = (PACKAGED / "mappings" / "tables" / "opencps-services" / "1.0.0.yaml").read_text()
    services = shipped.replace("version: 1.0.0", "version: 1.1.0") + '  - ["2.009999.H40", "2.009999"]\n'
    for name, text in (("npsp-procedures/1.20261121.0", _PROCEDURES), ("opencps-services/1.1.0", services)):
        path = place.home / "mappings" / "tables" / f"{name}.yaml"
        path.parent.mkdir()
        path.write_text(text)
    mine, other = "000.00.10.H40-261121-0001", "000.00.10.H22-261121-0002"
    service = {"serviceCode": "2.009999.H40"}
    path = place.write("two.json", [place.record(1, dossierNo=mine, **service), place.record(2, dossierNo=other, **service)])
    told = place.rehearse(path, *OPENCPS, *OPTIONAL, "--json", code=1).json
    first, second = (_routes(one)["dossiers-to-portal"] for one in told["records"])
    assert first["verdict"] == "taken" and first["body"]["TenTTHC"] == "A procedure of the real portal"
    assert second["verdict"] == "refused" and "không thuộc đơn vị" in second["reason"]
    assert told["notes"] == []


def test_the_owner_of_a_dossier_counts(place: Place) -> None:
    """A record of a sender that does not own the dossier goes nowhere, and the report says how to name the owner."""
    place.change(lambda config: config.update(owners={"000.00.10.H22": "one-stop"}))
    path = place.write("one.json", place.record(1))
    said = place.rehearse(path, *OPTIONAL, code=1).stdout
    assert "another sender's" in said and "--as" in said and "1 not taken by every partner" in said
    place.rehearse(path, *OPTIONAL, "--as", "one-stop")


def test_a_setting_that_is_not_replaced_must_have_a_value(place: Place) -> None:
    """What the rehearsal cannot do without is said with its place, as `hub check` says it."""
    place.change(lambda config: config["endpoints"]["portal"]["settings"].update(madonvi="${env:NOT_THERE}"))
    said = place.rehearse(place.write("one.json", place.record(1)), *OPENCPS, code=1).stderr
    assert "endpoints.portal.settings.madonvi" in said and "NOT_THERE" in said and "username" not in said


_DIRECT = {
    "url": "http://10.255.255.1:9/XrdAdapter/dancu?dstcode=x", "check_url": "http://10.255.255.1:9/check",
    "direct": {
        "username": "province", "secret_key": "${env:NOT_THERE}", "auth_url": "http://ndxp.invalid/auth",
        "api_key": "${env:NOT_THERE}", "x_road_client": "VN/GOV/000.00.00.H22/hub",
    },
}  # fmt: skip
_LGSP = {
    "url": "https://10.255.255.1:9/dancu", "through": "lgsp", "ca_file": "not-there.pem",
    "lgsp": {
        "token_url": "https://10.255.255.1:9/oauth2/token", "consumer_key": "${env:NOT_THERE}",
        "consumer_secret": "${env:NOT_THERE}", "lgsp_access_token": "${env:NOT_THERE}",
        "officer_keys": {"hub-1": "${env:NOT_THERE}"},
    },
}  # fmt: skip


@pytest.mark.parametrize("way", [_DIRECT, _LGSP], ids=["direct", "lgsp"])
def test_an_owner_is_looked_up_at_a_simulated_registry(place: Place, way: dict[str, Any]) -> None:
    """The registry's account needs no secret; who is in it can be said; who is not stays unsent."""
    settings = {**way, "unit_code": "000.00.00.H22", "account_name": "province", "phone": "0"}
    lookup = {"take": "citizen-query@1", "give": "citizen@1"}
    population = {"connector": "population", "lookup": lookup, "settings": settings}
    verify = {
        "with": "population", "query": "citizen-query@1", "on_mismatch": "hold", "database_code": "7", "officer": "hub-1",
        "purpose": "a rehearsal",
    }  # fmt: skip
    place.change(lambda config: config["endpoints"].update(population=population))
    place.change(lambda config: config["routes"]["dossiers-to-portal"].update(verify=verify))
    known = json.dumps([{"number": "002090000001", "name": NAME, "birth": "1990-05-01", "gender": "1"}])
    people = ("--set", f"population.known_people={known}", "--set", "population.birth_match=as_far_as_known")
    sample = [place.record(1, applicantName=NAME), place.record(2, applicantName=NAME, applicantIdNo="002090000002")]
    told = place.rehearse(place.write("two.json", sample), *OPENCPS, *OPTIONAL, *people, "--json", code=1).json
    first, second = (_routes(one)["dossiers-to-portal"] for one in told["records"])
    assert first["verdict"] == "taken" and first["body"]["DSKetNoiCSDL"] == [{"MaCSDL": "7"}]
    assert (second["verdict"], second["code"]) == ("unsendable", "applicant_not_found") and "body" not in second
    assert told["endpoints"]["population"] == {"simulator": "population"}


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(place: Place) -> None:
    """An array that is cut off: the records before the cut are rehearsed, and the file is told to be broken."""
    path = place.write("cut.json", [place.record(1), place.record(2)])
    path.write_text(path.read_text()[: path.read_text().index("r-2")])
    lines = place.folder / "sample" / "lines.jsonl"
    lines.write_text(json.dumps(place.record(3)) + "\n\n{broken\n")
    told = place.rehearse(place.folder / "sample", *OPENCPS, *OPTIONAL, "--json", code=1).json
    assert [(one["record"], one["counts_as"]) for one in told["records"]] == [
        (1, "taken"), (None, "refused"), (1, "taken"), (3, "refused"),
    ]  # fmt: skip
    assert {one["problems"][0]["code"] for one in told["records"] if one["problems"]} == {"not_json"}


def test_what_is_no_file_is_told_and_the_rest_goes_on(place: Place) -> None:
    """A pipe among the samples, at the door and for a drop folder: it is not waited for."""
    good, pipe = place.write("good.json", place.record(1)), place.folder / "pipe.json"
    os.mkfifo(pipe)
    read = {"folder": "drop", "sender": "land", "schema": "opencps-dossier@1", "format": "json"}
    place.change(lambda config: config["endpoints"].update(land={"connector": "files", "settings": {"read": read}}))
    for way in (OPENCPS, ("--endpoint", "land")):
        told = place.rehearse(pipe, good, *way, *OPTIONAL, "--json", code=1).json
        assert told["counts"] == {"taken": 1, "unread": 1}
        unread = next(one for one in told["records"] if one["file"] == str(pipe))
        assert unread["problems"][0]["code"] == "unreadable"


def test_settings_of_endpoints_without_simulator_are_judged(place: Place) -> None:
    """A form that no file has and a door without a field are wrong, with or without the secrets; a secret that is not there,
    a certificate that is elsewhere, are not."""
    path = place.write("one.json", place.record(1))
    read = {"folder": "drop", "sender": "land", "schema": "opencps-dossier@1", "format": "jsn"}
    sftp = {"host": "files.invalid", "username": "u", "password": "${env:NOT_THERE}", "known_hosts": "not-there"}
    place.change(
        lambda config: config["endpoints"].update(land={"connector": "files", "settings": {"read": read, "sftp": sftp}})
    )
    place.change(lambda config: config["endpoints"]["portal"]["settings"].update(door={"accounts": {"u": {"madonvi": ["x"]}}}))
    said = place.rehearse(path, *OPENCPS, code=1).stderr
    assert "endpoints.land.settings.read.format" in said and "config.yaml:" in said
    assert "endpoints.portal.settings.door.accounts.u.sender" in said and "password" not in said
    place.change(lambda config: config["endpoints"]["portal"]["settings"].pop("door"))
    place.change(lambda config: config["endpoints"]["land"]["settings"]["read"].update(format="json"))
    assert place.rehearse(path, *OPENCPS, *OPTIONAL, "--json").json["notes"][0].startswith("land: ")


def test_wrong_usage_is_said(place: Place) -> None:
    """No sample, one that is not there, an endpoint that reads nothing or is not there, a name that no key may have."""
    one = place.write("one.json", place.record(1))
    assert "name files or folders" in place.rehearse(code=2).stderr
    assert "is not there" in place.rehearse(place.folder / "nothing", code=2).stderr
    assert "no files" in place.rehearse(one, "--endpoint", "portal", code=2).stderr
    assert "portal" in place.rehearse(one, "--endpoint", "nobody", code=3).stderr
    assert "name of a key" in place.rehearse(one, "--as", "NO NAME", code=2).stderr
    assert "ENDPOINT.KEY=VALUE" in place.rehearse(one, "--set", "nonsense", code=2).stderr


def test_what_does_not_fit_the_home_is_said(place: Place) -> None:
    """A setting that the simulator does not have, a schema that no source has, a connector that is not installed."""
    one = place.write("one.json", place.record(1))
    assert "portal.later" in place.rehearse(one, "--set", "portal.later=1", code=1).stderr
    for schema in ("one-stop-soap@1", "opencps-dossier@9"):
        said = place.rehearse(one, "--schema", schema, code=2).stderr
        assert schema in said and "opencps-dossier@1" in said, "what may be named is said"
    read = {"folder": "drop", "sender": "land", "schema": "portal-dossier@1", "format": "json"}
    place.change(lambda config: config["endpoints"].update(land={"connector": "files", "settings": {"read": read}}))
    said = place.rehearse(one, "--endpoint", "land", code=1).stderr
    assert "endpoints.land.settings.read.schema" in said and "sources" in said
    place.change(lambda config: config["endpoints"]["portal"].update(connector="nobody"))
    assert "unknown_connector" in place.rehearse(one, code=1).stderr


def test_the_home_may_be_named_before_the_command(place: Place) -> None:
    """`hub --home HOME rehearse SAMPLE` is the same."""
    path = place.write("one.json", place.record(1))
    command = [*HUB, "--home", str(place.home), "rehearse", str(path), *OPENCPS, *OPTIONAL]
    ran = subprocess.run(command, env=place.environment, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "1 record: 1 taken" in ran.stdout


@pytest.fixture
def long_one(place: Place) -> Iterator[subprocess.Popen[str]]:
    """A rehearsal that takes a while, under way: its store is there."""
    path = place.write("many.jsonl", [place.record(number) for number in range(1, 5001)])
    command = [*HUB, "rehearse", str(place.home), str(path), *OPENCPS, *OPTIONAL]
    running = subprocess.Popen(command, env=place.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: list(place.temporary.rglob("hub.db")) or running.poll() is not None, 30)
        assert running.poll() is None
        yield running
    finally:
        running.kill()
        running.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_rehearsal_that_is_broken_off_leaves_nothing(
    place: Place, long_one: subprocess.Popen[str], number: signal.Signals
) -> None:
    """Ctrl-C and SIGTERM end it with exit code 130; the temporary folder is gone, the home as it was."""
    before = place.seen()
    long_one.send_signal(number)
    _, said = long_one.communicate(timeout=30)
    assert long_one.returncode == 130, said
    assert list(place.temporary.iterdir()) == [] and place.seen() == before
    assert "Traceback" not in said
