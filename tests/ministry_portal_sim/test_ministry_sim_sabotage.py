"""Portals that break their promise on purpose, each seen red by a test of this folder: a simulator that lies proves nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.ministry_portal.simulator_desk import Desk
from connectors.ministry_portal.simulator_rules import FieldRules
from connectors.ministry_portal.simulator_state import MinistryMemory
from connectors.ministry_portal.simulator_tokens import Tokens
from hub.testing.journal import Journal
from ministry_portal_sim import test_ministry_sim_codes as codes
from ministry_portal_sim import test_ministry_sim_create as create
from ministry_portal_sim import test_ministry_sim_faults as faults
from ministry_portal_sim import test_ministry_sim_feed as feed
from ministry_portal_sim import test_ministry_sim_files as files
from ministry_portal_sim import test_ministry_sim_sign_in as sign_in
from ministry_portal_sim import test_ministry_sim_steps as steps

Patch = pytest.MonkeyPatch


def issues_a_code_twice(patch: Patch) -> None:
    patch.setattr(MinistryMemory, "last_serial", lambda self, agency, day: None)


def takes_any_type(patch: Patch) -> None:
    patch.setattr(FieldRules, "first_breach", lambda self, thing, rules, required: None)


def takes_a_code_again(patch: Patch) -> None:
    honest = Desk.create

    def create_anew(self: Desk, body: Any) -> Any:
        self._memory.dossiers.pop(body["MaHoSo"], None)
        return honest(self, body)

    patch.setattr(Desk, "create", create_anew)


def believes_every_file(patch: Patch) -> None:
    patch.setattr(Desk, "_wrong_file", lambda self, paper, name: None)


def keeps_the_half_of_an_array(patch: Patch) -> None:
    honest = Desk._array

    def one_by_one(self: Desk, body: Any, kind: Any, refusals: Any) -> Any:
        replies = [honest(self, [one], kind, refusals) for one in body]
        return max(replies, key=lambda reply: reply.status)

    patch.setattr(Desk, "_array", one_by_one)


def lets_tokens_live(patch: Patch) -> None:
    patch.setattr(Tokens, "admits", lambda self, request: True)


def feeds_in_another_order(patch: Patch) -> None:
    honest = MinistryMemory.commit
    patch.setattr(MinistryMemory, "commit", lambda self, effects: honest(self, effects[::-1]))


@pytest.mark.parametrize(
    ("sabotage", "guard"),
    [
        (issues_a_code_twice, codes.test_no_code_is_issued_twice),
        (takes_any_type, lambda: create.test_a_wrong_field_is_named("LoaiDoiTuong", "0")),
        (takes_a_code_again, create.test_a_code_is_used_once),
        (believes_every_file, lambda: files.test_a_dossier_names_files_that_are_there({"IdGiayTo": "x"}, "unknown_file")),
        (keeps_the_half_of_an_array, lambda: steps.test_a_wrong_step_is_refused_with_its_array("TrangThai", {"TrangThai": 0})),
        (lets_tokens_live, sign_in.test_a_token_ends_with_its_time),
        (feeds_in_another_order, feed.test_items_are_read_by_cursor_as_they_were_put_in),
    ],
)
async def test_a_broken_promise_is_seen(
    sabotage: Callable[[Patch], None], guard: Callable[[], Awaitable[None]], monkeypatch: Patch
) -> None:
    await guard()
    sabotage(monkeypatch)
    with pytest.raises(AssertionError):
        await guard()


async def test_a_memory_that_is_not_on_disk_is_seen(tmp_path: Path, monkeypatch: Patch) -> None:
    """Nothing is written: the portal opened again knows nothing."""
    await faults.test_a_portal_opened_again_knows_what_it_answered(tmp_path / "honest")
    monkeypatch.setattr(Journal, "append", lambda self, value: None)
    with pytest.raises(AssertionError):
        await faults.test_a_portal_opened_again_knows_what_it_answered(tmp_path / "forgetful")
