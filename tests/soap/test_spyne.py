"""The whole path: from a one-stop shop's record through the hub to a SOAP registry made with somebody else's library."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from flow.parts import MovableClock, send, states, until

from hub.app import Hub
from hub.assembly import assemble, examine
from hub.connector import ConnectorContext
from soap.home import Registry, land_home, record, registry

CODE = "000.00.10.H22-261121-0001"


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """One registry for the module."""
    with registry(tmp_path_factory.mktemp("land")) as it:
        yield it


@asynccontextmanager
async def hub_on(home: Path) -> AsyncIterator[Hub]:
    hub = Hub(assemble(home), MovableClock())
    await hub.start()
    try:
        yield hub
    finally:
        await hub.stop()


async def ended(hub: Hub, state: str) -> Any:
    """Wait for the only delivery to end so; what is known of the dossier, and its last line."""
    await until(lambda: states(hub) == {state: 1})
    known = await hub.store.dossier(CODE)
    assert known is not None
    return known, known["timeline"][-1]


def named(name: str, number: int) -> dict[str, Any]:
    """A record of this owner; ``number`` makes it another dossier for the registry."""
    return record(applicantName=name, referenceUid=f"uid-{number}")


@pytest.mark.parametrize("version", ["11", "12"])
async def test_a_record_reaches_the_registry(land: Registry, tmp_path: Path, version: str) -> None:
    """Translated, written as its WSDL says (it validates), with our header; receipt number and code come back."""
    home = land_home(tmp_path / "home", land.wsdl(version))
    before = len(land.taken)
    async with hub_on(home) as hub:
        receipt = await send(hub, named("Nguyễn Văn Bình", int(version)), MovableClock())
        assert receipt["state"] == "accepted"
        known, delivery = await ended(hub, "delivered")
    (taken,) = land.taken[before:]
    assert taken == {
        "id": f"uid-{version}/2026-11-21T08:00:00+07:00", "code": CODE, "state": "received", "owner": "Nguyễn Văn Bình",
        "online": None, "papers": [{"title": "002090000001", "copies": None, "kind": "citizen_card"}],
    }  # fmt: skip
    assert delivery["reference"].startswith("R-")
    assert ("land", f"L/{CODE}") in [(one["system"], one["code"]) for one in known["aliases"]]


async def test_a_refusal_is_a_dead_letter_without_the_persons_name(land: Registry, tmp_path: Path) -> None:
    """The registry's own subcode, and its text with the owner's name masked."""
    home = land_home(tmp_path / "home", land.wsdl("11"))
    async with hub_on(home) as hub:
        await send(hub, named("Nguyễn Văn Từ Chối", 3), MovableClock())
        await ended(hub, "dead")
        (dead,) = await hub.store.dead()
    assert "NoSuchUnit" in str(dead) and "no unit for ‹OwnerName›" in str(dead)
    assert "Từ Chối" not in str(dead)


async def test_a_registry_that_breaks_after_taking_it_is_asked(land: Registry, tmp_path: Path) -> None:
    """A Server fault is a doubt; the registry says that it holds it, and nothing is sent twice."""
    home = land_home(tmp_path / "home", land.wsdl("11"))
    before = len(land.taken)
    async with hub_on(home) as hub:
        await send(hub, named("Nguyễn Văn Hỏng", 4), MovableClock())
        known, delivery = await ended(hub, "delivered")
    assert "Receiver" in str(known["timeline"]) and delivery["reference"].startswith("R-")
    assert len(land.taken) == before + 1


async def test_a_wrong_account_makes_no_dead_letter(land: Registry, tmp_path: Path) -> None:
    """It counts against the endpoint; when the account is mended, the message goes."""
    home = land_home(tmp_path / "home", land.wsdl("11"), secret="old")
    async with hub_on(home) as hub:
        await send(hub, named("Nguyễn Văn Bình", 5), MovableClock())

        async def refused() -> bool:
            return "'code': 'Account'" in str(await hub.store.dossier(CODE))

        await until(refused)
        assert set(states(hub)) <= {"pending", "claimed"}
    config = home / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("Secret: old", "Secret: secret"), encoding="utf-8")
    async with hub_on(home) as hub:
        await ended(hub, "delivered")


async def test_the_home_is_clean_and_the_registry_answers(land: Registry, tmp_path: Path) -> None:
    """`hub check` finds nothing, and `hub endpoint check` fetches the WSDL."""
    home = land_home(tmp_path / "home", land.wsdl("12"))
    parts, problems, _ = examine(home)
    assert parts is not None and problems == []
    endpoint = parts.endpoints["land"]
    it = endpoint.connector(endpoint.settings, ConnectorContext("land", MovableClock()))
    await it.open()
    try:
        await it.check()
    finally:
        await it.close()
