"""Hubs that break the promises about files on purpose, each seen red by a test of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from claims import test_claims_delivery, test_claims_door, test_claims_fetching
from claims.parts import PDF, Desk, Host, running, serving
from claims.test_claims_delivery import only_when_it_fits, only_when_it_is_there
from claims.test_claims_stated import only_as_stated
from hub.claim_check import NOTHING, Stored
from hub.delivery.enclosing import Enclosing
from hub.dossier import papers
from hub.files import addresses, configured, content, fetching
from hub.files.configured import KeptFiles
from hub.files.content import ContentStore
from hub.files.links import Links

Patch = pytest.MonkeyPatch


def lets_everything_pass(patch: Patch) -> None:
    """A step that is there and does nothing."""
    patch.setattr(Enclosing, "admit", lambda self, due, route: "goes")


def takes_pages_for_files(patch: Patch) -> None:
    """Whatever comes is the file."""
    patch.setattr(ContentStore, "_kind", lambda self, head, said: "application/pdf")


def makes_files_up(patch: Patch) -> None:
    """A host that does not answer is taken for one that did."""

    async def obtain(self: KeptFiles, message: str, link: str, *stated: Any) -> Stored:
        async def pieces() -> AsyncIterator[bytes]:
            yield PDF

        return await self.content.put(pieces())

    patch.setattr(KeptFiles, "obtain", obtain)


def compares_nothing(patch: Patch) -> None:
    """What is stated is handed on, and nobody holds it beside the file."""
    patch.setattr(content, "misfits", lambda stated, found: [])


def believes_claims(patch: Patch) -> None:
    """A file that the hub holds is what anybody states of it."""
    patch.setattr(configured, "misfits", lambda stated, found: [])


def forgets_what_is_stated(patch: Patch) -> None:
    """The link is read, and nothing beside it."""
    patch.setattr(papers, "_stated", lambda one: NOTHING)


@pytest.mark.parametrize(
    ("sabotage", "promise"),
    [
        (lets_everything_pass, only_when_it_is_there), (makes_files_up, only_when_it_is_there),
        (lets_everything_pass, only_when_it_fits), (takes_pages_for_files, only_when_it_fits),
        (compares_nothing, only_as_stated), (forgets_what_is_stated, only_as_stated),
        (believes_claims, only_as_stated),
    ],
)  # fmt: skip
async def test_a_result_without_its_file_is_seen(
    sabotage: Callable[[Patch], None], promise: Callable[[Desk, Host], Awaitable[None]], tmp_path: Path, monkeypatch: Patch
) -> None:
    sabotage(monkeypatch)
    monkeypatch.setattr("flow.parts.DEADLINE", 4.0)
    async with serving() as host, running(tmp_path) as desk:
        with pytest.raises(AssertionError):
            await promise(desk, host)


async def test_honest_ones_are_seen_green(tmp_path: Path) -> None:
    for promise, name in ((only_when_it_is_there, "a"), (only_when_it_fits, "b"), (only_as_stated, "c")):
        async with serving() as host, running(tmp_path / name) as desk:
            await promise(desk, host)


async def test_walls_with_a_hole_are_seen(tmp_path: Path, monkeypatch: Patch) -> None:
    """The form of an address is checked and not where its name leads; a redirect is followed unchecked."""
    monkeypatch.setattr(addresses, "may_be_asked", lambda address, private: True)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await test_claims_fetching.test_loopback_however_it_is_written(tmp_path, "localhost")
    monkeypatch.undo()
    honest = fetching.Fetching._checked

    def trusting(self: Any, link: str, was: Any = None) -> Any:
        return honest(self, link) if was is None else fetching.URL(link)

    monkeypatch.setattr(fetching.Fetching, "_checked", trusting)
    monkeypatch.setattr(fetching, "may_be_asked", lambda address, private: True)
    with pytest.raises((AssertionError, pytest.fail.Exception, fetching.Unanswered)):
        await test_claims_fetching.test_what_is_refused_for_good(tmp_path, "a redirect to another protocol")


@pytest.mark.parametrize("verdict", ["good", "expired"])
async def test_links_that_prove_nothing_are_seen(tmp_path: Path, monkeypatch: Patch, verdict: str) -> None:
    monkeypatch.setattr(Links, "verdict", lambda self, *link: verdict)
    async with running(tmp_path) as desk:
        with pytest.raises(AssertionError):
            await test_claims_door.TestTheDoor().test_a_link_is_good_for_what_was_signed_only(desk)


async def test_a_store_that_does_not_look_again_is_seen(tmp_path: Path, monkeypatch: Patch) -> None:
    """What was whole once is taken for whole for ever."""
    monkeypatch.setattr(ContentStore, "is_unchanged", lambda self, sha256: True)
    damaged = test_claims_door.test_nobody_gets_what_is_damaged
    changed = test_claims_delivery.test_a_file_that_changes_while_a_delivery_waits
    for number, promise in enumerate((damaged, changed)):
        with pytest.raises(AssertionError):
            await promise(tmp_path / str(number))


async def test_a_name_before_the_content_is_seen(tmp_path: Path, monkeypatch: Patch) -> None:
    """The order that a power cut needs: the content is synced before it gets its name, its folder after."""
    acts: list[str] = []
    honest = content._Writing.sync

    def sync(self: content._Writing) -> None:
        acts.append("content")
        honest(self)

    def folder(path: Path) -> None:
        acts.append("named" if any(len(one.name) == 64 for one in path.iterdir()) else "folder")

    monkeypatch.setattr(content._Writing, "sync", sync)
    monkeypatch.setattr(content, "sync_folder", folder)
    store = ContentStore(tmp_path)
    store.open()

    async def pieces() -> AsyncIterator[bytes]:
        yield PDF

    await store.put(pieces())
    assert acts == ["folder", "folder", "content", "named"]
