"""``from`` and ``observations``: whose word a route takes. Default as ever: everybody's, of dossiers that are their own."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from flow.parts import CONFIG, MADE, MovableClock, make_home, running, send, states, told, until
from typer.testing import CliRunner

from hub.app import Hub
from hub.assembly import assemble, examine
from hub.cli.main import app
from hub.connector import Receipt
from hub.errors import Rejected
from hub.ledger.backfill import backfill
from hub.message import Arrival, SchemaRef, new_id
from hub.store import fanning, lanes

OWNER, PORTAL = "one-stop", "citizens"
PREFIX = "000.00"
TO_LOCAL = {"take": "dossier@1", "to": "local", "as": "npsp-dossier@1"}
TO_PORTAL = {"take": "dossier@1", "when": {"present": "code"}, "to": "portal", "as": "npsp-dossier@1"}


def home(folder: Path, routes: Mapping[str, Any], owner: str = OWNER) -> Path:
    config = yaml.safe_load(CONFIG)
    config["endpoints"]["local"] = config["endpoints"]["portal"]
    return make_home(folder, yaml.safe_dump(config | {"routes": dict(routes), "owners": {PREFIX: owner}}))


RECORD = told()[0].records[-1]


def record(**changes: Any) -> dict[str, Any]:
    return {**RECORD, "dossierNo": "000.00.10.H22-261121-0001", **changes}


def sent(name: str) -> list[str]:
    """Senders of what reached an endpoint, by the abstract that each writes."""
    return [one.body["TrichYeuHoSo"] for one in MADE[name].calls]


async def say(hub: Hub, clock: MovableClock, sender: str, word: str, origin: str | None = None, **changes: Any) -> Any:
    given = record(briefNote=word, dossierNote=word, **changes)
    if origin is None:
        return await send(hub, given, clock, sender=sender)
    arrival = Arrival(
        id=new_id(), sender=sender, schema=SchemaRef.parse("opencps-dossier@1"), body=json.dumps(given).encode(),
        received_at=clock(), correlation_id=new_id().replace("-", ""), origin=origin,
    )  # fmt: skip
    return (await hub.intake.accept(arrival)).receipt


def said(receipt: Any) -> dict[str, tuple[bool, str]]:
    return {one["route"]: (one["taken"], one["why"]) for one in receipt["messages"][0]["routes"]}


BOTH_WAYS = {
    "down": TO_LOCAL | {"from": [PORTAL], "observations": True},
    "up": TO_PORTAL | {"from": [OWNER]},
}


async def test_what_each_says_goes_to_the_other_and_to_nobody_else(tmp_path: Path) -> None:
    """A dossier filed at the portal goes down though the local system owns its code; that one's states go up, in order."""
    clock = MovableClock()
    async with running(home(tmp_path, BOTH_WAYS), clock) as (hub, _):
        filed = await say(hub, clock, PORTAL, "filed", origin="portal")
        assert filed["messages"][0]["state"] == "conflict", "that it is another's dossier is still said"
        assert said(filed) == {"down": (True, "takes every dossier@1")}
        for word in ("received", "done"):
            answered = await say(hub, clock, OWNER, word)
            assert answered["messages"][0]["state"] == "routed"
            assert said(answered)["down"] == (False, "takes only what citizens says")
        await until(lambda: states(hub) == {"delivered": 3})
        assert (sent("local"), sent("portal")) == (["filed"], ["received", "done"])
        again = await say(hub, clock, PORTAL, "asks for it back", origin="portal")
        assert said(again)["down"][0]
        await until(lambda: sent("local") == ["filed", "asks for it back"])
        assert sent("portal") == ["received", "done"]


async def test_what_came_from_an_endpoint_never_goes_back_to_it(tmp_path: Path) -> None:
    clock = MovableClock()
    routes = {"all": TO_PORTAL | {"from": [PORTAL], "observations": True}}
    async with running(home(tmp_path, routes), clock) as (hub, _):
        answered = await say(hub, clock, PORTAL, "filed", origin="portal")
        assert said(answered) == {"all": (False, "it came from portal")}
        assert states(hub) == {}


async def test_the_default_is_as_ever(tmp_path: Path) -> None:
    clock = MovableClock()
    async with running(home(tmp_path, {"up": TO_PORTAL}), clock) as (hub, _):
        seen = (await say(hub, clock, PORTAL, "seen"))["messages"][0]
        assert (seen["state"], seen["routes"]) == ("conflict", [])
        assert said(await say(hub, clock, OWNER, "own"))["up"][0]
        await until(lambda: states(hub) == {"delivered": 1})
        assert sent("portal") == ["own"]


async def test_a_dossier_stays_with_an_endpoint_for_those_whom_the_route_hears(tmp_path: Path) -> None:
    """Whatever the conditions say later, an owner's state follows; another's word does not, though the dossier is there."""
    clock = MovableClock()
    routes = {"up": TO_PORTAL | {"from": [OWNER], "when": {"equals": {"owner.kind": "citizen"}}}}
    async with running(home(tmp_path, routes), clock) as (hub, _):
        await say(hub, clock, OWNER, "citizen", applicantIdType="citizen", applicantIdNo="002090000001")
        later = await say(hub, clock, OWNER, "business", applicantIdType="business", applicantIdNo="0100000001")
        assert said(later)["up"] == (True, "not so: owner.kind = citizen; but the dossier is already with portal")
    routes = {"up": TO_PORTAL | {"from": ["land"]}}
    (tmp_path / "config.yaml").write_text((home(tmp_path / "other", routes) / "config.yaml").read_text(encoding="utf-8"))
    async with running(tmp_path, clock) as (hub, _):
        assert said(await say(hub, clock, OWNER, "unheard"))["up"] == (False, "takes only what land says")


async def test_nobodys_state_takes_the_place_of_anothers(tmp_path: Path) -> None:
    """A dead state is healed by a newer one of its own sender only: the other's would lose it."""
    clock = MovableClock()
    routes = {"all": TO_LOCAL | {"from": [OWNER, PORTAL], "observations": True, "coalesce": True}}
    async with running(home(tmp_path, routes), clock) as (hub, _):
        MADE["local"].script = lambda message, attempt: Rejected("no", "not this one")
        await say(hub, clock, OWNER, "first")
        await until(lambda: states(hub) == {"dead": 1})
        await say(hub, clock, PORTAL, "observed")
        await say(hub, clock, PORTAL, "observed again")
        assert states(hub) == {"dead": 1, "superseded": 1, "pending": 1}, "one of the portal's own was replaced by its next"
        MADE["local"].script = lambda message, attempt: Receipt()
        await say(hub, clock, OWNER, "second")
        await settled_at(hub, "local")
        assert sent("local")[-2:] == ["observed again", "second"], "it heals, and does not pass what was said before it"


async def settled_at(hub: Hub, endpoint: str) -> None:
    async def quiet() -> bool:
        return await hub.store.next_due(endpoint) is None and not {"pending", "claimed"} & states(hub).keys()

    await until(quiet)


async def test_an_older_state_of_an_observer_goes_nowhere(tmp_path: Path) -> None:
    clock = MovableClock()
    async with running(home(tmp_path, BOTH_WAYS), clock) as (hub, _):
        await say(hub, clock, PORTAL, "new", modifiedDate="21/11/2026 09:00:00")
        late = (await say(hub, clock, PORTAL, "old", modifiedDate="21/11/2026 08:00:00"))["messages"][0]
        assert (late["state"], late["routes"]) == ("conflict", [])
        await until(lambda: sent("local") == ["new"])


async def test_a_route_added_later_is_filled_with_what_its_senders_said(tmp_path: Path) -> None:
    clock = MovableClock()
    async with running(home(tmp_path / "before", {"up": TO_PORTAL | {"from": [OWNER]}}), clock) as (hub, _):
        await say(hub, clock, PORTAL, "filed", origin="portal")
        await say(hub, clock, OWNER, "received")
        await until(lambda: states(hub) == {"delivered": 1})
    after = tmp_path / "before"
    (after / "config.yaml").write_text((home(tmp_path / "after", BOTH_WAYS) / "config.yaml").read_text(encoding="utf-8"))
    async with running(after, clock) as (hub, _):
        (down,) = (one for one in assemble(after).router.routes if one.name == "down")
        done = await backfill(hub.store, down, lambda *given: None, clock)
        assert (done.looked_at, done.matched, done.added) == (2, 1, 1)
        unheard = dataclasses.replace(down, name="unheard", senders=("land",))
        assert (await backfill(hub.store, unheard, lambda *given: None, clock)).matched == 0
        owners_only = dataclasses.replace(down, name="own", observations=False)
        assert (await backfill(hub.store, owners_only, lambda *given: None, clock)).matched == 0


def test_observations_need_senders_that_are_named(tmp_path: Path) -> None:
    _, problems, _ = examine(home(tmp_path, {"all": TO_PORTAL | {"observations": True}}))
    assert len(problems) == 1 and "observations: true needs from" in str(problems[0])


def test_explain_says_whom_a_route_hears(tmp_path: Path) -> None:
    folder = home(tmp_path, BOTH_WAYS)
    file = folder / "one.json"
    file.write_text(json.dumps(record()), encoding="utf-8")
    words = ["--home", str(folder), "explain", str(file), "--schema", "opencps-dossier@1", "--sender", OWNER]
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(app, words)
    assert "route down: not taken (takes only what citizens says)\n" in shown.stdout, shown.stdout
    assert "route up: taken" in shown.stdout


# Sabotage: each guarantee seen red


@pytest.mark.parametrize("broken", ["fans out every observation", "replaces whoever's"])
async def test_a_broken_rule_is_red(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    if broken == "replaces whoever's":
        monkeypatch.setattr(lanes.Voice, "is_same_as", lambda self, other: True)
        with pytest.raises(AssertionError):
            await test_nobodys_state_takes_the_place_of_anothers(tmp_path)
        return
    true = fanning.fan_out
    monkeypatch.setattr("hub.store.accepting.fan_out", lambda *given, there, observed: true(*given, observed=False))
    with pytest.raises(AssertionError):
        await test_the_default_is_as_ever(tmp_path)
