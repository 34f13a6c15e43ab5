"""Connectors that break "once in effect" on purpose, each seen red by the same proof that an honest one passes.

The registry takes a dossier and breaks before it answers, so that the call is in doubt: only who asks may know it is there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from aiohttp import web
from flow.parts import MovableClock, send, states, until

from connectors.outcomes.verdict import Judged
from connectors.soap import table
from connectors.soap.connector import Soap
from hub.connector import Found
from hub.errors import InDoubt, Transient
from soap.home import land_home
from soap.partner import body, fault
from soap.test_spyne import hub_on, named

SPACE = "urn:registry:land"


class Registry:
    """``taken``: the ids of what it was told to do, in order; ``asked``: how often it was asked what it holds."""

    def __init__(self) -> None:
        self.url, self.qualified = "", True
        self.taken: list[str] = []
        self.asked = 0

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Takes all, and breaks after the first."""
        envelope = ElementTree.fromstring(await request.read())
        (said,) = next(one for one in envelope if one.tag.endswith("}Body"))
        told = said.findtext(f"{{{SPACE}}}RequestId") or ""
        if said.tag == f"{{{SPACE}}}QueryDossier":
            self.asked += 1
            held, space = "R-1" if told in self.taken else "", "" if not self.qualified else f' xmlns="{SPACE}"'
            result = f"<QueryDossierResult{space}>{held}</QueryDossierResult>"
            answer = body(f'<r:QueryDossierResponse xmlns:r="{SPACE}">{result}</r:QueryDossierResponse>')
        else:
            self.taken.append(told)
            result = "<SubmitDossierResult><Code>OK</Code></SubmitDossierResult>"
            done = body(f'<SubmitDossierResponse xmlns="{SPACE}">{result}</SubmitDossierResponse>')
            answer = fault("Server") if len(self.taken) == 1 else done
        return web.Response(status=answer.status, body=answer.body, headers={"Content-Type": str(answer.media)})


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    """One that listens."""
    it = Registry()
    runner = web.ServerRunner(web.Server(it.answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield it
    await runner.cleanup()


async def once_in_effect(registry: Registry, folder: Path) -> None:
    """The proof: one dossier through a whole hub, and the registry was told of it once."""
    home = land_home(folder)
    file = home / "config.yaml"
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    config["endpoints"]["land"]["settings"]["address"] = registry.url
    file.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    async with hub_on(home) as hub:
        await send(hub, named("Nguyễn Văn Bình", 1), MovableClock())
        await until(lambda: states(hub) == {"delivered": 1} or len(registry.taken) > 1 or registry.asked > 2)
    assert len(registry.taken) == 1 and registry.asked > 0


def asks_nobody(patch: pytest.MonkeyPatch) -> None:
    """Says of what is in doubt that it is not there."""

    async def find(self: Soap, message: Any, attempt: Any) -> Found:
        return Found(holds=False)

    patch.setattr(Soap, "find", find)


def calls_again(patch: pytest.MonkeyPatch) -> None:
    """Makes the call once more when its end is in doubt."""
    honest = Soap.send

    async def call(self: Soap, message: Any, attempt: Any) -> Any:
        try:
            return await honest(self, message, attempt)
        except InDoubt:
            return await honest(self, message, attempt)

    patch.setattr(Soap, "send", call)


def takes_a_doubt_for_a_no(patch: pytest.MonkeyPatch) -> None:
    """Says that nothing was done where nobody knows."""
    patch.setattr(Judged, "error", lambda self, effect: Transient(self.code, self.reason))


@pytest.mark.parametrize("qualified", [True, False], ids=["qualified", "unqualified"])
async def test_an_honest_connector_is_green(registry: Registry, tmp_path: Path, qualified: bool) -> None:
    """Also with a registry whose answers have other namespaces than its WSDL says: then it stays in doubt."""
    registry.qualified = qualified
    await once_in_effect(registry, tmp_path)


@pytest.mark.parametrize("harm", [asks_nobody, calls_again, takes_a_doubt_for_a_no], ids=lambda one: one.__name__)
async def test_who_sends_twice_without_asking_is_red(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """The proof fails."""
    harm(monkeypatch)
    with pytest.raises(AssertionError):
        await once_in_effect(registry, tmp_path)
    assert len(registry.taken) > 1


async def test_who_takes_what_was_passed_over_for_absent_is_red(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks, and does not understand the answer."""
    registry.qualified = False
    monkeypatch.setattr(table, "_rests_on_what_was_skipped", lambda *given: False)
    with pytest.raises(AssertionError):
        await once_in_effect(registry, tmp_path)
    assert len(registry.taken) > 1
