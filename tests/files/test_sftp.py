"""A drop folder on OpenSSH's own server: what may happen to server, connection and account."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from flow.parts import until

from connectors.files.config import FilesConfig
from connectors.files.connector import Files
from connectors.files.folder import DropFolder
from connectors.files.reading import OpenFile
from connectors.files.sftp_place import SftpPlace
from files.parts import Drop, lines, record, running
from files.sshd import Sshd
from hub.assembly import examine
from hub.connector import ConnectorContext
from hub.errors import AccountRefused, DeliveryError, NotConnected
from hub.message import system_clock
from hub.observe import logging as hub_log

CANARY = "Mat-khau-canary"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Gives what the hub logged."""
    path = tmp_path / "log"
    hub_log.configure(path, process=False)
    yield lambda: path.read_text(encoding="utf-8")
    hub_log.configure(None, process=False)


@contextlib.asynccontextmanager
async def connector(folder: Path, sftp: dict[str, Any], **settings: Any) -> AsyncIterator[Files]:
    read = {"folder": str(folder), "sender": "land", "schema": "record@1", "format": "jsonl", **settings}
    made = Files(FilesConfig.model_validate({"sftp": sftp, "read": read}), ConnectorContext("drop", system_clock))
    await made.open()
    try:
        yield made
    finally:
        await made.close()


async def refusal(folder: Path, sftp: dict[str, Any], **settings: Any) -> DeliveryError:
    """What ``check`` raises."""
    async with connector(folder, sftp, **settings) as files:
        with pytest.raises(DeliveryError) as refused:
            await files.check()
    return refused.value


async def test_a_connection_that_breaks_in_the_middle_of_a_file(tmp_path: Path, sshd: Sshd, monkeypatch: Any) -> None:
    """It is made anew and the file is read on where it was: nothing is lost, doubled, or handed over twice."""
    drop = Drop(tmp_path, sshd.settings)
    told = [record(str(number % 7), "AB"[number % 2], name=f"{number} " + "x" * 20_000) for number in range(300)]
    begin, opened, cut = OpenFile.open, 0, []

    def counting(self: OpenFile) -> None:
        nonlocal opened
        opened += 1
        begin(self)

    monkeypatch.setattr(OpenFile, "open", counting)
    async with running(drop):
        drop.put("a.jsonl", lines(*told))
        for count in (20, 150):
            await until(lambda count=count: drop.look("select count(*) from arrivals")[0][0] > count)
            cut.append(sshd.cut())
        await drop.read("a.jsonl")
    assert all(cut) and opened == 1
    assert drop.arrivals() == told
    assert (drop.names("done"), drop.names("failed")) == (["a.jsonl"], [])


async def test_a_server_that_is_away_is_tried_again_and_said_once(tmp_path: Path, sshd: Sshd, log: Callable[[], str]) -> None:
    """The hub starts without it, and goes on when it was away; each time one line tells."""
    drop = Drop(tmp_path, sshd.settings)
    sshd.stop()
    drop.put("1.jsonl", lines(record("1")))
    tried, connect = 0, asyncssh.connect

    async def counted(*given: Any, **named: Any) -> Any:
        nonlocal tried
        tried += 1
        return await connect(*given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncssh, "connect", counted)
        async with running(drop):
            for number in (1, 2):
                before = tried
                await until(lambda before=before: tried > before + 3)
                said = log()
                assert said.count('"folder_unusable"') == number
                # the second time it may have gone while the hub looked into the folder: that is told as a broken connection
                assert said.count('"code":"unreachable"') in (1, number)
                sshd.start()
                await drop.read(f"{number}.jsonl")
                sshd.stop()
                drop.put("2.jsonl", lines(record("2")))
    assert [one["code"] for one in drop.arrivals()] == ["1", "2"]


@pytest.mark.parametrize("when", ["looks", "opens"])
async def test_a_hub_on_a_silent_server_stops_at_once(tmp_path: Path, sshd: Sshd, monkeypatch: Any, when: str) -> None:
    """The server takes the connection and answers no more; what was begun is not waited for."""
    drop = Drop(tmp_path, {**sshd.settings, "timeout": 60})
    begun, ask, begin = math.inf, SftpPlace.ask, DropFolder.open

    def watched(*given: Any) -> Any:
        nonlocal begun
        begun = time.monotonic()
        try:
            return ask(*given)
        finally:
            begun = math.inf

    def silence() -> None:
        for pid in sshd.sessions():
            os.kill(pid, signal.SIGSTOP)

    def opening(folder: DropFolder, one: Any) -> Any:
        if one.name == "b.jsonl":
            silence()
        return begin(folder, one)

    monkeypatch.setattr(SftpPlace, "ask", watched)
    monkeypatch.setattr(DropFolder, "open", opening)
    async with running(drop):
        drop.put("a.jsonl", lines(record("1")))
        await drop.read("a.jsonl")
        if when == "looks":
            silence()
        drop.put("b.jsonl", lines(record("2")))
        await until(lambda: time.monotonic() - begun > 0.5)  # one question that stays without an answer
        ending = time.monotonic()
    assert time.monotonic() - ending < 10
    assert (drop.states("2"), drop.left()) == ([], ["b.jsonl"])


async def test_a_silent_server_is_given_up(tmp_path: Path, sshd: Sshd, log: Callable[[], str]) -> None:
    """After the timeout the connection is made anew."""
    drop = Drop(tmp_path, {**sshd.settings, "timeout": 3})  # for signing in too
    async with running(drop):
        drop.put("a.jsonl", lines(record("1")))
        await drop.read("a.jsonl")
        for pid in sshd.sessions():
            os.kill(pid, signal.SIGSTOP)
        drop.put("b.jsonl", lines(record("2")))
        await drop.read("b.jsonl")
    assert drop.states("2") == ["A"]
    assert log().count('"folder_unusable"') == 1


@pytest.mark.parametrize("known", ["known_hosts", "host_key"])
async def test_a_server_with_another_host_key_is_not_spoken_to(tmp_path: Path, sshd: Sshd, known: str) -> None:
    """By file or by fingerprint; the reason has the fingerprint that it shows, for whoever asks its operator."""
    given = {name: value for name, value in sshd.settings.items() if name != "known_hosts"}
    settings = {**given, known: {"known_hosts": str(sshd.known_hosts), "host_key": sshd.fingerprint}[known]}
    async with connector(tmp_path, settings) as files:
        await files.check()
    sshd.stop()
    sshd.new_host_key()
    sshd.start()
    refused = await refusal(tmp_path, settings)
    assert (type(refused), refused.code) == (NotConnected, "host_key")
    assert sshd.fingerprint in refused.reason
    drop = Drop(tmp_path, settings)
    async with running(drop):
        drop.put("a.jsonl", lines(record("1")))
        await until(lambda: (sshd.folder / "log").read_text().count("Connection closed") > 2)
    assert drop.arrivals() == []
    async with connector(tmp_path, {**given, "host_key": sshd.fingerprint}) as files:
        await files.check()


async def test_a_known_hosts_without_the_server_trusts_nobody(tmp_path: Path, sshd: Sshd) -> None:
    """Nor does this account's own known_hosts count; one that is not there, or no such file, is told as that."""
    sshd.known_hosts.write_text("")
    assert (await refusal(tmp_path, sshd.settings)).code == "host_key"
    sshd.known_hosts.write_text("nothing\n")
    assert (await refusal(tmp_path, sshd.settings)).code == "known_hosts"
    sshd.known_hosts.unlink()
    assert (await refusal(tmp_path, sshd.settings)).code == "known_hosts"


async def test_a_refused_account_is_not_tried_again_and_again(tmp_path: Path, sshd: Sshd, log: Callable[[], str]) -> None:
    """A server may lock one that is. An operator who asks is answered at once; the password is in no log."""
    settings = {name: value for name, value in sshd.settings.items() if name != "private_key"}
    drop = Drop(tmp_path, {**settings, "password": CANARY})
    looked, entries = 0, SftpPlace.entries

    def counted(*given: Any) -> Any:
        nonlocal looked
        looked += 1
        return entries(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SftpPlace, "entries", counted)
        async with running(drop):
            await until(lambda: looked > 20)
    refused = await refusal(tmp_path, {**settings, "password": CANARY})
    assert (type(refused), refused.code) == (AccountRefused, "sign_in_refused")
    assert (sshd.folder / "log").read_text().count("Failed password") <= 2
    assert log().count('"sign_in_refused"') == 1
    assert CANARY not in log() + repr(refused) and sshd.account not in log()


async def test_a_key_that_the_server_does_not_know(tmp_path: Path, sshd: Sshd) -> None:
    """Refused as a wrong password is; no other key or agent of this account is tried."""
    sshd.new_key(tmp_path / "other")
    refused = await refusal(tmp_path, {**sshd.settings, "private_key": str(tmp_path / "other")})
    assert (type(refused), refused.code) == (AccountRefused, "sign_in_refused")


async def test_a_private_key_may_have_a_passphrase(tmp_path: Path, sshd: Sshd) -> None:
    """As ssh-keygen writes it; a wrong one, none, and a file that is not there are told as that."""
    key = tmp_path / "locked"
    sshd.new_key(key, CANARY)
    with (sshd.folder / "authorized_keys").open("a") as known:
        known.write(key.with_suffix(".pub").read_text())
    settings = {**sshd.settings, "private_key": str(key)}
    async with connector(tmp_path, {**settings, "passphrase": CANARY}) as files:
        await files.check()
    for wrong in ({"passphrase": "other"}, {}, {"private_key": str(tmp_path / "no")}):
        refused = await refusal(tmp_path, {**settings, **wrong})
        assert (type(refused), refused.code) == (NotConnected, "private_key")


async def test_check_says_what_is_wrong_with_the_folder(tmp_path: Path, sshd: Sshd) -> None:
    """It is not there, may not be written, or its files cannot be moved; when it is good, nothing is left of the trial."""
    assert (await refusal(tmp_path / "no", sshd.settings)).code == "no_folder"
    (tmp_path / "in").mkdir()
    (tmp_path / "file").write_text("")
    assert (await refusal(tmp_path / "file", sshd.settings)).code == "no_folder"
    assert (await refusal(tmp_path / "in", sshd.settings, done=str(tmp_path / "no" / "done"))).code == "folder_rights"
    elsewhere = Path("/dev/shm") / f"hub-test-{os.getpid()}"
    assert Path("/dev/shm").stat().st_dev != tmp_path.stat().st_dev
    try:
        assert (await refusal(tmp_path / "in", sshd.settings, done=str(elsewhere))).code == "folder_elsewhere"
    finally:
        elsewhere.rmdir()
    async with connector(tmp_path / "in", sshd.settings) as files:
        await files.check()
    assert sorted(one.name for one in (tmp_path / "in").rglob("*")) == ["done", "failed"]
    sshd.stop()
    sshd.start("ForceCommand internal-sftp -R")
    assert (await refusal(tmp_path / "in", sshd.settings)).code == "folder_rights"


async def test_a_server_that_cannot_be_reached_or_has_no_sftp(tmp_path: Path, sshd: Sshd) -> None:
    """Nobody there, somebody silent, an account without SFTP; a name that no account can have."""
    assert (await refusal(tmp_path, {**sshd.settings, "username": "a\x07"})).code == "bad_settings"
    sshd.stop()
    assert (await refusal(tmp_path, sshd.settings)).code == "unreachable"
    with socket.create_server(("127.0.0.1", sshd.port)):
        assert (await refusal(tmp_path, {**sshd.settings, "timeout": 0.3})).code == "unreachable"
    sshd.start("ForceCommand /bin/false")
    assert (await refusal(tmp_path, sshd.settings)).code == "no_sftp"


async def test_a_server_without_the_extensions_of_openssh(tmp_path: Path, sshd: Sshd) -> None:
    """No renaming onto a file, no sync, no limits: a file is read, fails and is done all the same; and read again."""
    sshd.stop()
    sshd.start("ForceCommand internal-sftp -P posix-rename,fsync,limits,lsetstat,statvfs,fstatvfs,hardlink")
    drop = Drop(tmp_path, sshd.settings)
    async with running(drop):
        for _ in range(2):
            drop.put("a.jsonl", lines(record("1"), record("")))
            await drop.read("a.jsonl")
    assert drop.states("1") == ["A"]
    assert drop.names("done") == ["a.1.jsonl", "a.jsonl"]
    assert drop.names("failed") == ["a.jsonl.errors.json", "a.jsonl.rejected.jsonl"]


async def test_a_server_of_another_maker_and_a_password(tmp_path: Path) -> None:
    """The password is the right one; the folder begins at the account's own."""

    class Door(asyncssh.SSHServer):
        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("land", CANARY)

    key = asyncssh.generate_private_key("ssh-ed25519")
    home = str(tmp_path / "home").encode()
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=Door, server_host_keys=[key], sftp_factory=lambda door: asyncssh.SFTPServer(door, home)
    )
    settings = {
        "host": "127.0.0.1", "port": server.get_port(), "username": "land", "password": CANARY,
        "host_key": key.get_fingerprint(),
    }  # fmt: skip
    async with server:
        drop = Drop(tmp_path, settings, folder="in")
        async with running(drop):
            drop.put("a.jsonl", lines(record("1"), record("")))
            await drop.read("a.jsonl")
        async with connector(Path("in"), settings) as files:
            await files.check()
    assert drop.states("1") == ["A"]
    assert (drop.names("done"), len(drop.names("failed"))) == (["a.jsonl"], 2)


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({}, []),
        ({"password": CANARY}, ["sftp"]),
        ({"private_key": None}, ["sftp"]),
        ({"known_hosts": None}, ["sftp"]),
        ({"host_key": "SHA256:" + "x" * 43}, ["sftp"]),
        ({"known_hosts": None, "host_key": "MD5:00"}, ["sftp.host_key"]),
        ({"private_key": None, "password": CANARY, "passphrase": CANARY}, ["sftp"]),
    ],
)
def test_hub_check_wants_one_credential_and_one_way_to_know_the_server(
    tmp_path: Path, changes: dict[str, Any], at: list[str]
) -> None:
    """No server is trusted blindly; no secret is repeated."""
    given = {"host": "h", "username": "land", "private_key": "key", "known_hosts": "known_hosts"}
    drop = Drop(tmp_path, {name: value for name, value in (given | changes).items() if value is not None})
    _, errors, _ = examine(drop.home)
    assert [one.at.removeprefix("endpoints.drop.settings.") for one in errors] == at
    assert CANARY not in str(errors)


def test_paths_of_this_machine_begin_at_the_home_and_those_of_the_server_do_not(tmp_path: Path) -> None:
    """Key and known_hosts lie here, the folders there."""
    sftp = {"host": "h", "username": "land", "private_key": "var/key", "known_hosts": "known_hosts"}
    read = {"folder": "in", "sender": "land", "schema": "record@1", "format": "jsonl"}
    config = FilesConfig.model_validate({"sftp": sftp, "read": read}, context={"home": tmp_path})
    assert (
        config.sftp and config.sftp.private_key == tmp_path / "var/key" and config.sftp.known_hosts == tmp_path / "known_hosts"
    )
    assert config.read and (config.read.folder, config.read.done_folder) == (Path("in"), Path("in/done"))
    here = FilesConfig.model_validate({"read": read}, context={"home": tmp_path})
    assert here.read and here.read.done_folder == tmp_path / "in/done"


async def test_a_check_whose_connection_breaks_leaves_nothing_behind(tmp_path: Path, sshd: Sshd, monkeypatch: Any) -> None:
    """The empty file was just made: it is removed on a connection made anew."""
    create, cut = SftpPlace.create, []

    def cutting(place: SftpPlace, *given: Any) -> Any:
        made = create(place, *given)
        cut.append(sshd.cut())
        return made

    monkeypatch.setattr(SftpPlace, "create", cutting)
    assert (await refusal(tmp_path, sshd.settings)).code == "unreachable"
    assert cut and cut[0]
    assert [one.name for one in tmp_path.iterdir() if "hub-check" in one.name] == []
