"""Loading a WSDL: from its folder, from addresses that stand for files, and from nowhere else."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from wire.soap_parts import load_text, wsdl_text

from hub.errors import BadConfig
from hub.wire.wsdl import load_wsdl
from hub.wire.xml import parse

TYPES = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:u">
  <xs:element name="Q" type="xs:int"/></xs:schema>"""
URL = "http://partner.example/types.xsd"
ASKING = wsdl_text(
    f'<xs:import namespace="urn:u" schemaLocation="{URL}"/>'
    '<xs:element name="R"><xs:complexType><xs:sequence><xs:element ref="u:Q"/></xs:sequence></xs:complexType></xs:element>'
)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens a connection fails the test."""

    def refuse(*_args: object, **_options: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_network")
def test_nothing_is_fetched(tmp_path: Path) -> None:
    """An address that nobody mapped is refused with the file, the line and the address that is meant."""
    with pytest.raises(BadConfig) as refusal:
        load_text(tmp_path, ASKING)
    (problem,) = refusal.value.problems
    assert problem.code == "address" and URL in problem.message and "service.wsdl:" in problem.source
    for imported in ("wsdl:import", "import"):
        line = '<wsdl:import namespace="urn:z" location="https://partner.example/z.wsdl"/><wsdl:types>'
        with pytest.raises(BadConfig, match=r"z\.wsdl"):
            load_text(tmp_path, wsdl_text('<xs:element name="R"/>').replace("<wsdl:types>", line, 1)), imported


@pytest.mark.usefixtures("no_network")
def test_an_address_may_stand_for_a_file(tmp_path: Path) -> None:
    """Relative to the WSDL, or anywhere; the file is among those that were read."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "u.xsd").write_text(TYPES)
    load = tmp_path / "service.wsdl"
    load.write_text(ASKING)
    for path in (Path("kept/u.xsd"), tmp_path / "kept" / "u.xsd"):
        wsdl = load_wsdl(load, allow={URL: path})
        form = wsdl.operation("Do").input
        assert form is not None and form.read(parse(b'<R xmlns="urn:t"><Q xmlns="urn:u">5</Q></R>')) == {"Q": 5}
        assert [one.name for one in wsdl.files] == ["service.wsdl", "u.xsd"]


@pytest.mark.parametrize("location", ["../outside.xsd", "/etc/passwd", "file:///etc/passwd", "link.xsd", "folder/outside.xsd"])
def test_nothing_outside_the_folder_is_read(location: str, tmp_path: Path) -> None:
    """Neither by a path that leads out of it nor by a link."""
    (tmp_path / "outside.xsd").write_text(TYPES)
    home = tmp_path / "home"
    home.mkdir()
    (home / "link.xsd").symlink_to(tmp_path / "outside.xsd")
    (home / "folder").symlink_to(tmp_path)
    with pytest.raises(BadConfig) as refusal:
        load_text(home, wsdl_text(f'<xs:import namespace="urn:u" schemaLocation="{location}"/><xs:element name="R"/>'))
    assert {one.code for one in refusal.value.problems} <= {"outside", "address"}
    with pytest.raises(BadConfig):
        text = wsdl_text('<xs:element name="R"/>').replace(
            "<wsdl:types>", f'<wsdl:import location="{location}"/><wsdl:types>', 1
        )
        load_text(home, text)


@pytest.mark.parametrize(
    "named", ["link.xsd", "folder/outside.xsd", "kept/link.xsd", "../loop.xsd", "a\x00b.xsd", "pipe", "kept"]
)
def test_an_address_stands_only_for_a_plain_file_that_is_where_it_seems_to_be(named: str, tmp_path: Path) -> None:
    """No link out of the folder, no pipe that would be waited for, no name that is none."""
    (tmp_path / "outside.xsd").write_text(TYPES)
    home = tmp_path / "home"
    (home / "kept").mkdir(parents=True)
    for link in (home / "link.xsd", home / "kept" / "link.xsd"):
        link.symlink_to(tmp_path / "outside.xsd")
    (home / "folder").symlink_to(tmp_path)
    (tmp_path / "loop.xsd").symlink_to(tmp_path / "loop.xsd")
    os.mkfifo(home / "pipe")
    (home / "service.wsdl").write_text(ASKING)
    with pytest.raises(BadConfig) as refusal:
        load_wsdl(home / "service.wsdl", allow={URL: Path(named)})
    (problem,) = refusal.value.problems
    assert problem.code in ("outside", "unreadable") and "service.wsdl:" in problem.source


@pytest.mark.parametrize("location", ["a%00b.xsd", "pipe", "loop.xsd", "x" * 5000])
def test_a_name_of_no_file(location: str, tmp_path: Path) -> None:
    """Refused with the line that names it; a pipe is not waited for."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop.xsd").symlink_to(tmp_path / "loop.xsd")
    with pytest.raises(BadConfig) as refusal:
        load_text(tmp_path, wsdl_text(f'<xs:import namespace="urn:u" schemaLocation="{location}"/><xs:element name="R"/>'))
    (problem,) = refusal.value.problems
    assert problem.code == "unreadable" and "service.wsdl:" in problem.source
    with pytest.raises(BadConfig):
        load_wsdl(tmp_path / "pipe")


def test_a_file_that_is_imported_is_read_as_strictly_as_a_message(tmp_path: Path) -> None:
    """No DTD there either."""
    evil = '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>' + TYPES
    text = wsdl_text('<xs:import namespace="urn:u" schemaLocation="u.xsd"/><xs:element name="R"/>')
    with pytest.raises(BadConfig) as refusal:
        load_text(tmp_path, text, u_xsd=evil)
    (problem,) = refusal.value.problems
    assert (problem.code, problem.at, Path(problem.source).name) == ("dtd", "1:1", "u.xsd")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "malformed"),
        ("<a/>", "not_a_wsdl"),
        ('<description xmlns="http://www.w3.org/ns/wsdl"/>', "not_a_wsdl"),
        (wsdl_text('<xs:element name="R" type="xs:nothing"/>'), "wsdl"),
        (wsdl_text('<xs:element name="R"/>').replace("t:B", "t:NoBinding"), None),
        (wsdl_text('<xs:element name="R"/>').replace('message="t:In"', 'message="t:None"'), "wsdl"),
        (wsdl_text('<xs:import namespace="urn:other" schemaLocation="u.xsd"/><xs:element name="R"/>'), "namespace"),
    ],
)
def test_a_file_that_is_no_wsdl(text: str, code: str | None, tmp_path: Path) -> None:
    """Refused as what it is; a port whose binding is nowhere is no port."""
    if code is None:
        assert load_text(tmp_path, text).operations() == ()
        return
    with pytest.raises(BadConfig) as refusal:
        load_text(tmp_path, text, u_xsd=TYPES)
    assert code in {one.code for one in refusal.value.problems}


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Neither the WSDL nor what it imports."""
    with pytest.raises(BadConfig, match="cannot be read"):
        load_wsdl(tmp_path / "none.wsdl")
    with pytest.raises(BadConfig, match=r"service.wsdl:.*none.xsd cannot be read"):
        load_text(tmp_path, wsdl_text('<xs:import namespace="urn:u" schemaLocation="none.xsd"/><xs:element name="R"/>'))
