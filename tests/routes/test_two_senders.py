"""Two senders speak of one dossier: whose state comes last, and what is said twice. A new owner is no second sender."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml
from flow.parts import CONFIG, MADE, MovableClock, make_home, running, states, until

from hub.assembly import assemble
from hub.connector import Receipt
from hub.errors import Rejected
from hub.ledger.backfill import backfill
from hub.store import accepting, lanes
from routes.test_routes_by_sender import OWNER, PORTAL, TO_LOCAL, TO_PORTAL, home, say, sent, settled_at

NEW, OLD = {"modifiedDate": "21/11/2026 09:00:00"}, {"modifiedDate": "21/11/2026 08:00:00"}
FROM_BOTH = {"from": [OWNER, PORTAL], "observations": True}
STEPS = {"take": "dossier-progress@1", "as": "npsp-progress@1"}
STEP = {
    "lastActionDate": "21/11/2026 08:30:00", "lastActionName": "Thẩm định", "lastActionUser": "Cán bộ Một",
    "dossierStatus": "processing",
}  # fmt: skip


def refuse(message: Any, attempt: Any) -> Exception:
    return Rejected("no", "not this one")


def take(message: Any, attempt: Any) -> Receipt:
    return Receipt()


async def test_a_new_owner_heals_what_the_one_before_it_left_dead(tmp_path: Path) -> None:
    """As ever without ``from``: each was the owner when it spoke, and the partner wants the newest of their states."""
    clock = MovableClock()
    config = yaml.safe_load(CONFIG) | {"routes": {"up": TO_PORTAL | {"when": []}}, "owners": {"000.00": "land"}}
    async with running(make_home(tmp_path, yaml.safe_dump(config)), clock) as (hub, _):
        MADE["portal"].script = refuse
        first = await say(hub, clock, OWNER, "before it had its code", dossierNo="")
        assert first["messages"][0]["state"] == "routed"
        await until(lambda: states(hub) == {"dead": 1})
        assert (await say(hub, clock, OWNER, "with its code"))["messages"][0]["state"] == "conflict"
        MADE["portal"].script = take
        assert (await say(hub, clock, "land", "of the new owner"))["messages"][0]["state"] == "routed"
        await until(lambda: states(hub) == {"superseded": 1, "delivered": 1})
        assert sent("portal")[-1] == "of the new owner"


@pytest.mark.parametrize("dies", ["before the next is said", "while the next waits"])
async def test_the_last_word_at_the_partner_is_the_last_that_was_said(tmp_path: Path, dies: str) -> None:
    """A newer state replaces its own sender's dead one, but does not pass what the other said in between."""
    clock = MovableClock()
    async with running(home(tmp_path, {"all": TO_LOCAL | FROM_BOTH}), clock) as (hub, _):
        if dies == "before the next is said":
            MADE["local"].script = refuse
            await say(hub, clock, OWNER, "first")
            await until(lambda: states(hub) == {"dead": 1})
            MADE["local"].script = take
            for sender, word in ((PORTAL, "asks"), (OWNER, "answers")):
                await say(hub, clock, sender, word)
        else:
            said_all = asyncio.Event()

            async def refuse_later() -> Exception:
                await said_all.wait()
                return refuse(None, None)

            words = iter([refuse_later()])
            MADE["local"].script = lambda message, attempt: next(words, Receipt())
            for sender, word in ((OWNER, "first"), (PORTAL, "asks"), (OWNER, "answers")):
                await say(hub, clock, sender, word)
                await until(lambda: sent("local"))
            said_all.set()
        await settled_at(hub, "local")
        assert sent("local") == ["first", "asks", "answers"]
        assert await hub.store.rebuild_ledger() == 0


async def test_a_late_observation_is_not_back_filled(tmp_path: Path) -> None:
    """What went nowhere because a newer state of its sender was there already would arrive behind that one."""
    clock = MovableClock()
    async with running(home(tmp_path, {"up": TO_PORTAL | {"from": [OWNER]}}), clock) as (hub, _):
        for word, when in (("new", NEW), ("old", OLD)):
            assert (await say(hub, clock, PORTAL, word, **when))["messages"][0]["state"] == "conflict"
        down = {"down": TO_LOCAL | {"from": [PORTAL], "observations": True}}
        (route,) = assemble(home(tmp_path / "after", down)).router.routes
        done = await backfill(hub.store, route, lambda *given: None, clock)
        assert (done.looked_at, done.added) == (1, 1)


async def test_a_step_that_both_report_is_there_once(tmp_path: Path) -> None:
    clock = MovableClock()
    routes = {
        "own": TO_PORTAL | {"from": [OWNER]},
        "own-steps": STEPS | {"to": "portal", "from": [OWNER]},
        "heard-steps": STEPS | {"to": "portal", "from": [PORTAL], "observations": True},
        "steps-down": STEPS | {"to": "local", "from": [PORTAL], "observations": True},
    }
    async with running(home(tmp_path, routes), clock) as (hub, _):
        for word, sender in enumerate((PORTAL, OWNER, PORTAL, OWNER)):
            await say(hub, clock, sender, f"another word {word}", **STEP)
            await settled_at(hub, "portal")
        steps = [one for one in MADE["portal"].calls if one.schema.id == "npsp-progress"]
        assert (len(steps), len(MADE["local"].calls)) == (1, 1)


async def test_a_step_of_the_owners_reaches_whom_only_the_other_informs(tmp_path: Path) -> None:
    """That the owner said a step is no reason to keep it from a partner that hears the other sender alone."""
    clock = MovableClock()
    routes = {
        "own-steps": STEPS | {"to": "portal", "from": [OWNER]},
        "steps-down": STEPS | {"to": "local", "from": [PORTAL], "observations": True},
    }
    async with running(home(tmp_path, routes), clock) as (hub, _):
        await say(hub, clock, OWNER, "the same step", **STEP)
        for _ in range(2):
            await say(hub, clock, PORTAL, "the same step", **STEP)
        await settled_at(hub, "local")
        assert (len(MADE["portal"].calls), len(MADE["local"].calls)) == (1, 1)


async def test_without_observations_a_step_said_again_is_known_as_ever(tmp_path: Path) -> None:
    clock = MovableClock()
    async with running(home(tmp_path, {"steps": STEPS | {"to": "portal"}}), clock) as (hub, _):
        await say(hub, clock, OWNER, "one", **STEP)
        again = await say(hub, clock, PORTAL, "two", **STEP)
        assert [one["state"] for one in again["messages"]] == ["conflict", "known"]
        assert all(one["routes"] == [] for one in again["messages"])


# Sabotage: each guarantee seen red


@pytest.mark.parametrize(
    "broken", ["passes the other's", "is said twice", "is kept from who hears one", "hears where none does"]
)
async def test_a_broken_rule_between_two_is_red(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    true = accepting.step_before
    if broken == "passes the other's":
        monkeypatch.setattr(lanes, "place_of", lambda lane, old, *given: int(old.position))
        seen = test_the_last_word_at_the_partner_is_the_last_that_was_said(tmp_path, "before the next is said")
    elif broken == "is said twice":
        forgets = lambda *given, alone: dataclasses.replace(true(*given, alone=alone), there=frozenset())  # noqa: E731
        monkeypatch.setattr(accepting, "step_before", forgets)
        seen = test_a_step_that_both_report_is_there_once(tmp_path)
    elif broken == "is kept from who hears one":
        monkeypatch.setattr(accepting, "step_before", lambda *given, alone: true(*given, alone=False))
        seen = test_a_step_of_the_owners_reaches_whom_only_the_other_informs(tmp_path)
    else:
        monkeypatch.setattr(accepting, "step_before", lambda *given, alone: true(*given, alone=True))
        seen = test_without_observations_a_step_said_again_is_known_as_ever(tmp_path)
    with pytest.raises(AssertionError):
        await seen
