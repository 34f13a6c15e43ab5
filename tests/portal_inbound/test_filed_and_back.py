"""The whole way: a citizen files at the portal, the local system gets it, and the portal shows the states that it reports."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from flow.parts import states, until

from connectors.national_portal.simulator import PortalSimulator
from connectors.rest.simulator import LocalSystem
from hub.claim_check import claim_of
from portal_inbound.parts import (
    CITIZEN,
    CODE,
    FILE,
    World,
    config,
    filed,
    home,
    one_stop,
    portal,
    rest_settings,
    running,
    soap_settings,
    soap_system,
    state,
    states_at,
)

CLAIM = claim_of(hashlib.sha256(FILE).hexdigest())


@contextlib.asynccontextmanager
async def both(folder: Path) -> AsyncIterator[tuple[PortalSimulator, LocalSystem, World]]:
    """Portal, hub, and the local system over REST."""
    async with contextlib.AsyncExitStack() as stack:
        npsp, url = await stack.enter_async_context(portal(CODE))
        local, at = await stack.enter_async_context(one_stop(folder))
        settings = config(url, rest_settings(at.url))
        yield npsp, local, await stack.enter_async_context(running(home(folder / "home", settings)))


async def cell(world: World) -> dict[str, Any]:
    """What the ledger says of the portal and the dossier's state."""
    found = await world.hub.store.dossier(CODE)
    assert found is not None
    (one,) = [one for one in found["ledger"] if (one["endpoint"], one["stream"]) == ("national", "dossier")]
    return dict(one)


async def test_by_rest(tmp_path: Path) -> None:
    async with both(tmp_path) as (npsp, local, world):
        status, told, _ = await world.post(filed())
        assert (status, told["status"], told["message"]) == (200, 200, "success") and "Đã tiếp nhận" in told["description"]
        await until(lambda: local.state()["filings"])
        held = local.state()["filings"][CODE]
        assert held["filing"]["owner_name"] == CITIZEN and held["filing"]["state"] == "new"
        assert held["filing"]["documents"] == [{"name": "don.pdf", "url": CLAIM}]
        before = await cell(world)
        assert (before["heard_seq"], before["ahead"]) == (1, True) and "routed_seq" not in before
        for word in ("receiving", "processing", "releasing"):
            receipt = await world.report(state(word))
            assert receipt["messages"][0]["state"] == "routed", "the local system owns it"
        await until(lambda: states_at(npsp)[1:] == ["1", "4", "9"])
        assert held["states"] == ["new"], "nothing that it said itself came back to it"
        after = await cell(world)
        assert (after["heard_seq"], after["heard_message"]) == (1, before["heard_message"]) and after["routed_seq"] > 1
        assert not [one for one in npsp.calls.as_list(service="DongBoHoSoMC") if one["isUpdating"] == "False"]


async def test_by_soap(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        npsp, url = await stack.enter_async_context(portal(CODE))
        local = await stack.enter_async_context(soap_system())
        settings = config(url, soap_settings(local.url), "soap")
        world = await stack.enter_async_context(running(home(tmp_path / "home", settings)))
        status, _, _ = await world.post(filed())
        assert status == 200
        await until(lambda: local.taken)
        assert local.taken[0]["owner_name"] == CITIZEN and CLAIM in local.taken[0]["documents"]
        await world.report(state("receiving"))
        await world.report(state("done"))
        await until(lambda: states_at(npsp)[1:] == ["1", "10"])
        assert len(local.taken) == 1


async def test_through_an_outage_of_the_local_system(tmp_path: Path) -> None:
    """The portal is answered all the same; the filing, and what the citizen does next, arrive once and in order."""
    async with portal(CODE) as (_, url):
        async with one_stop(tmp_path) as (_, at):
            port = at.port
        async with running(home(tmp_path / "home", config(url, rest_settings(f"http://127.0.0.1:{port}")))) as world:
            for note in ("lần một", "lần hai", "lần ba"):
                status, _, _ = await world.post(filed(GhiChu=note, TrichYeuHoSo=note))
                assert status == 200
            assert states(world.hub).keys() <= {"pending", "claimed"}
            async with one_stop(tmp_path, port) as (local, _):
                await until(lambda: states(world.hub) == {"delivered": 3})
                taken = [one for one in local.calls.as_list(service="file") if one["effect"]]
                assert len(taken) == 3 and local.state()["filings"][CODE]["filing"]["abstract"] == "lần ba"


async def test_the_same_again_answers_the_first_receipt(tmp_path: Path) -> None:
    async with both(tmp_path) as (_, local, world):
        first = await world.post(filed())
        await until(lambda: states(world.hub) == {"delivered": 1})
        again = await world.post(filed(), path="/VXPAdapter/RestService/forward/nhanhsdvcqg?dstcode=x&providerurl=y")
        assert again[:2] == first[:2] and world.arrivals() == 1
        assert len(local.calls.as_list(service="file")) == 1


@pytest.mark.parametrize("broken", ["sends it back to the portal", "echoes to the local system"])
async def test_an_echo_is_red(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """Sabotage: without the origin of a filing, or with a route down that hears everybody, the way above is not passed."""
    settings = config
    if broken == "sends it back to the portal":
        from hub.intake.inlet import DoorVisit

        honest = DoorVisit.accept

        async def accept(self: DoorVisit, schema: str, body: bytes, *, anew: str | None = None, origin: str | None = None):  # type: ignore[no-untyped-def]
            return await honest(self, schema, body, anew=anew)

        monkeypatch.setattr(DoorVisit, "accept", accept)
    async with portal(CODE) as (npsp, url), one_stop(tmp_path) as (local, at):
        given = settings(url, rest_settings(at.url))
        routes = given["routes"]
        if broken == "sends it back to the portal":
            routes["dossiers-to-portal"] |= {"from": ["citizens"], "observations": True}
        else:
            routes["filed-to-local"] |= {"from": ["citizens", "one-stop"]}
        async with running(home(tmp_path / "home", given)) as world:
            await world.post(filed())
            await world.report(state("receiving"))
            if broken == "sends it back to the portal":
                await until(lambda: npsp.calls.as_list(service="DongBoHoSoMC") or "dead" in states(world.hub))
            else:
                await until(lambda: len(local.calls.as_list(service="file")) == 2)
