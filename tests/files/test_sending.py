"""Messages written into files: whole or not there, once in effect wherever it was cut off, in the order of each dossier."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from flow.parts import until

from connectors.files.config import SftpConfig, WriteConfig
from connectors.files.local import LocalPlace
from connectors.files.place import Place
from connectors.files.sending import Sending
from connectors.files.sftp_place import SftpPlace
from files.outbox import Outbox, bytes_of, csv_config, message
from files.parts import lines, record, running
from files.sshd import Sshd
from hub.app import Hub
from hub.connector import Attempt
from hub.errors import DeliveryError, InDoubt, NotConnected, Rejected


@pytest.mark.parametrize(("place", "form"), [("here", "json"), ("here", "jsonl"), ("sftp", "json")])
async def test_each_message_is_a_file_and_names_are_in_the_order_of_the_dossier(
    tmp_path: Path, request: pytest.FixtureRequest, place: str, form: str
) -> None:
    """Named by number in the dossier, message and schema; readable by the group; no draft is left."""
    sftp = request.getfixturevalue("one_sshd").settings if place == "sftp" else None
    box = Outbox(tmp_path, sftp, format=form)
    async with running(box):
        box.put("a.jsonl", lines(record("1"), record("2", name="Bưởi"), record("1", "B"), record("1")))
        await box.settled(*["delivered"] * 4)
    found = box.look("select seq, id from messages order by seq, id")
    assert box.files() == [f"{seq:010d}-{one}-note.{form}" for seq, one in found]
    assert [note["state"] for note in box.notes() if note["code"] == "1"] == ["A", "B", "A"]
    assert {"code": "2", "state": "A", "name": "Bưởi"} in box.notes()
    assert all((box.out / name).read_bytes().endswith(b"}\n" if form == "jsonl" else b"}") for name in box.files())
    umask = os.umask(0)
    os.umask(umask)
    assert {stat.S_IMODE((box.out / name).stat().st_mode) for name in box.files()} == {0o640 & ~umask}


class Note:
    """An attempt that remembers, across hubs that are killed."""

    def __init__(self) -> None:
        self.number = 1
        self.remembered: dict[str, Any] = {}

    async def remember(self, key: str, value: Any) -> None:
        self.remembered[key] = value


class Killed(BaseException):
    """What ends a hub here: nothing of it runs afterwards."""


class Mortal(LocalPlace):
    """A place that is killed before its call number ``left``, and whose partner acts at that moment."""

    def __init__(self, left: int, at_death: Callable[[], None] = lambda: None) -> None:
        self._left, self._at_death = left, at_death

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name in ("entry", "open", "create", "sync", "rename", "lasting"):
            self._left -= 1
            if self._left < 0:
                self._at_death()
                raise Killed
        return found


def _sending(folder: Path, place: Place, taken: bool) -> Sending:
    (folder / "taken").mkdir(exist_ok=True)
    given = {"folder": folder, "format": "json", **({"taken": folder / "taken"} if taken else {})}
    return Sending(WriteConfig.model_validate(given), place)


async def _life(folder: Path, calls: int, partner: Callable[[], None], taken: bool) -> bool | None:
    """Killed before its call number ``calls``, asked, and sent again where it is not there; what was found, None too when it
    was not killed at all."""
    attempt = cast(Attempt, Note())
    try:
        await _sending(folder, Mortal(calls, partner), taken).send(message(), attempt)
    except Killed:
        whole = _sending(folder, LocalPlace(), taken)
        found = await whole.find(message(), attempt)
        assert found is not None
        if found.holds is False:
            assert (await whole.send(message(), attempt)).reference == "0000000007-01a2-m-note.json"
        return found.holds
    raise AssertionError("it was not killed")


CALLS = 7
"""entry, create, sync, lasting, rename, lasting; the seventh would be after its end."""


@pytest.mark.parametrize("calls", range(CALLS - 1))
@pytest.mark.parametrize("does", ["waits", "takes away", "takes aside"])
async def test_it_is_written_once_wherever_it_is_cut_off(tmp_path: Path, calls: int, does: str) -> None:
    """Killed before each of its acts, while the partner waits, takes the file away, or keeps it where the hub may look: the
    partner gets it once. Only a file that was taken away and is kept nowhere leaves a doubt, and that is said."""
    got: list[bytes] = []

    def partner() -> None:
        for one in tmp_path.glob("*.json"):
            got.append(one.read_bytes())
            one.rename(tmp_path / "taken" / one.name) if does == "takes aside" else one.unlink()

    found = await _life(tmp_path, calls, partner if does != "waits" else lambda: None, does == "takes aside")
    named = calls == CALLS - 2  # killed behind the rename
    assert found is ((None if does == "takes away" else True) if named else False)
    partner()
    assert got == [bytes_of(message(), WriteConfig.model_validate({"folder": tmp_path, "format": "json"}))]
    assert [one.name for one in tmp_path.iterdir()] == ["taken"]


class Cut(SftpPlace):
    """A server that cuts the connection when call number ``left`` is about to be asked."""

    def __init__(self, server: Sshd, left: int) -> None:
        super().__init__(SftpConfig.model_validate(server.settings))
        self._server, self._left = server, left

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name in ("entry", "open", "create", "sync", "rename", "lasting"):
            self._left -= 1
            if self._left == -1:
                assert self._server.cut()
        return found


@pytest.mark.parametrize("calls", range(1, CALLS - 1))
async def test_it_is_written_once_wherever_the_connection_breaks(tmp_path: Path, sshd: Sshd, calls: int) -> None:
    """It goes on by another connection, or says what is to be done: then that is done, and the partner has it once."""
    place, attempt = Cut(sshd, calls), cast(Attempt, Note())
    sending = _sending(tmp_path / "sshd", place, taken=False)
    tries = 0
    try:
        while True:
            tries += 1
            try:
                await sending.send(message(), attempt)
                break
            except NotConnected:
                continue
            except InDoubt:
                found = await sending.find(message(), attempt)
                assert found is not None and found.holds is not None
                if found.holds:
                    break
    finally:
        await place.close()
    assert tries <= 2
    (written,) = (tmp_path / "sshd").glob("*.json")
    assert written.read_bytes() == bytes_of(message(), sending.config)
    assert list((tmp_path / "sshd").glob(".*.part")) == []


async def test_a_second_try_finds_the_file_or_refuses_to_write_over_another(tmp_path: Path) -> None:
    """The same bytes are there: delivered, and not touched. Others: a refusal, and nothing is overwritten."""
    sending = _sending(tmp_path, LocalPlace(), taken=False)
    receipt = await sending.send(message(), cast(Attempt, Note()))
    path = tmp_path / cast(str, receipt.reference)
    before = path.stat()
    assert await sending.send(message(), cast(Attempt, Note())) == receipt
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    with pytest.raises(Rejected, match="name_taken"):
        await sending.send(message({"code": "2"}), cast(Attempt, Note()))
    found = await sending.find(message({"code": "2"}), cast(Attempt, Note()))
    assert found is not None and found.holds is False
    assert path.stat().st_ino == before.st_ino


async def test_what_can_no_longer_be_written_is_a_doubt_not_a_failure(tmp_path: Path) -> None:
    """The settings were changed while it was in doubt: nobody can tell by the bytes any more."""
    config = csv_config(folder=str(tmp_path), encoding="windows-1252")
    found = await Sending(config, LocalPlace()).find(message({"a": "Phạm"}), cast(Attempt, Note()))
    assert found is not None and found.holds is None


ACTS = ("entry", "create", "sync", "lasting", "rename")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "full"), "disk_full"),
        (OSError(errno.EROFS, "read only"), "folder_rights"),
        (PermissionError(errno.EACCES, "no"), "folder_rights"),
        (FileNotFoundError(errno.ENOENT, "gone"), "no_folder"),
        (OSError(errno.EIO, "broken"), "folder_unusable"),
        (ConnectionResetError(errno.ECONNRESET, "broken"), "connection_lost"),
    ],
    ids=["full", "read only", "rights", "gone", "broken", "connection"],
)
@pytest.mark.parametrize("act", ACTS)
async def test_a_place_that_fails_is_no_fault_of_themessage(
    tmp_path: Path, monkeypatch: Any, act: str, error: OSError, code: str
) -> None:
    """Whatever cannot be done: it waits; only a connection that breaks under the rename leaves it in doubt."""
    place = LocalPlace()

    def failing(*given: Any) -> Any:
        raise error

    monkeypatch.setattr(place, act, failing)
    with pytest.raises(DeliveryError, match=code) as raised:
        await _sending(tmp_path, place, taken=False).send(message(), cast(Attempt, Note()))
    doubted = act == "rename" and isinstance(error, ConnectionError)
    assert type(raised.value) is (InDoubt if doubted else NotConnected)
    assert list(tmp_path.glob("*.json")) == []


async def test_a_name_that_may_not_last_is_a_doubt(tmp_path: Path, monkeypatch: Any) -> None:
    """The folder cannot be synced behind the rename: it is asked again, and true once that works."""
    place = LocalPlace()
    lasting, failing = place.lasting, False

    def perhaps(*folders: Path) -> None:
        if failing:
            raise OSError(errno.EIO, "broken")
        lasting(*folders)

    monkeypatch.setattr(place, "lasting", perhaps)
    rename = place.rename

    def renaming(old: Path, new: Path) -> None:
        nonlocal failing
        rename(old, new)
        failing = True

    monkeypatch.setattr(place, "rename", renaming)
    sending, attempt = _sending(tmp_path, place, taken=False), cast(Attempt, Note())
    with pytest.raises(InDoubt, match="not_synced"):
        await sending.send(message(), attempt)
    with pytest.raises(NotConnected, match="folder_unusable"):
        await sending.find(message(), attempt)
    failing = False
    found = await sending.find(message(), attempt)
    assert found is not None and found.holds is True


async def test_messages_wait_for_their_folder(tmp_path: Path) -> None:
    """It is not there, then it is: no dead letter, every message in order."""
    box = Outbox(tmp_path)
    box.out.rename(tmp_path / "away")
    async with running(box) as hub:
        box.put("a.jsonl", lines(record("1"), record("1", "B")))
        await until(lambda: len(box.look("select 1 from attempts where code = 'no_folder'")) >= 3)
        with pytest.raises(NotConnected, match="no_folder"):
            await _connector(hub).check()
        (tmp_path / "away").rename(box.out)
        await _connector(hub).check()
        await box.settled("delivered", "delivered")
    assert [note["state"] for note in box.notes()] == ["A", "B"]


def _connector(hub: Hub) -> Any:
    return hub._running["out"].connector


async def test_a_file_in_the_way_is_a_dead_letter(tmp_path: Path, monkeypatch: Any) -> None:
    """Not overwritten; what follows of the dossier replaces it, as a newer state replaces a dead one."""
    box = Outbox(tmp_path)
    create = LocalPlace.create
    made: list[Path] = []

    def elsewhere(place: LocalPlace, path: Path, *more: Any) -> Any:
        if not made and path.parent == box.out:  # somebody writes under that name before us
            made.append(path.with_name(path.name.removeprefix(".").removesuffix(".part")))
            made[0].write_text("theirs")
            raise PermissionError
        return create(place, path, *more)

    monkeypatch.setattr(LocalPlace, "create", elsewhere)
    async with running(box):
        box.put("a.jsonl", lines(record("1")))
        await box.settled("dead")
        assert box.deliveries() == [("dead", "name_taken")]
        assert made[0].read_text() == "theirs"
        box.put("b.jsonl", lines(record("1", "B")))
        await box.settled("superseded", "delivered")
