"""Stand-ins that lie on purpose, each seen red by the same proof that the honest one passes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from business_registry_sim import register as enterprises

from connectors.business_registry import simulator_state
from connectors.business_registry.simulator import BusinessRegisterSimulator
from connectors.business_registry.simulator_config import BusinessRegisterConfig
from connectors.business_registry.simulator_enterprises import Enterprise
from connectors.platform import simulator, simulator_ways, simulator_x_road
from connectors.platform.simulator_forwarding import Providers, Unreached
from connectors.platform.simulator_tokens import Tokens
from platform_sim.platform_home import CLIENT, DSTCODE, SERVICE, platform

Proof = Callable[[], Awaitable[bool]]
Break = Callable[[pytest.MonkeyPatch], None]


async def _hash_binds_the_body() -> bool:
    """The request hash of a call with a body is that of head and body."""
    async with platform() as caller:
        sent = {
            "X-Road-Client": CLIENT,
            "X-Road-Id": "1",
            "Accept": "a/b",
            "Accept-Encoding": "identity",
            "Content-Type": "a/b",
        }
        _, _, told = await caller.send("POST", f"/r1/{SERVICE}", headers=sent, data=b"body")
        lines = ["POST", f"/r1/{SERVICE}", *(f"{name}:{value}" for name, value in sent.items())]
        head = "".join(f"{line}\r\n" for line in [*lines, f"x-road-request-id:{told['X-Road-Request-Id']}"])
        both = hashlib.sha512(head.encode()).digest() + hashlib.sha512(b"body").digest()
        return told["X-Road-Request-Hash"] == base64.b64encode(hashlib.sha512(both).digest()).decode()


async def _reached_is_true() -> bool:
    """What the log says of reaching the provider is what the provider saw, before and after a planted error."""
    async with platform() as caller:
        for stage in ("before", "after"):
            await caller.fault("refuse", code="Server.ServerProxy.InternalError", match={"stage": stage})
            await caller.rest()
            if (await caller.last_call())["reached"] != (len(caller.provider.got) == 1):
                return False
            caller.provider.got.clear()
    async with platform(services={SERVICE: "http://127.0.0.1:9"}) as caller:
        await caller.rest()
        return (await caller.last_call())["reached"] is False


async def _forwards_on_loopback_only() -> bool:
    """A providerurl elsewhere is refused by the adapter itself."""
    async with platform(dstcodes={DSTCODE: None}) as caller:
        elsewhere = {"providerurl": "https://127.0.0.1:9"}
        path = "/VXPAdapter/RestService/forward/x"
        return (await caller.send("GET", path, headers={"dstcode": DSTCODE}, params=elsewhere))[0] == 404


async def _asks_for_a_token() -> bool:
    """Neither the gateway nor the register answers without a token."""
    async with platform() as caller, enterprises.register() as register:
        at_gateway = (await caller.send("GET", "/api/1.0/x"))[0]
        at_register = (await register.ask(enterprises.ONE["code"], {"Authorization": ""}))[0]
        return (at_gateway, at_register, caller.provider.got) == (401, 401, [])


def _remembers(folder: Path) -> Proof:
    async def proof() -> bool:
        """What was entered is on disk when it is in memory, and is there again after a start."""
        file = folder / "state.jsonl"
        first = BusinessRegisterSimulator(BusinessRegisterConfig(enterprises=0), file)
        first.memory.add(Enterprise.model_validate(enterprises.ONE))
        first.close()
        again = BusinessRegisterSimulator(BusinessRegisterConfig(enterprises=0), file)
        again.close()
        return again.register.find(enterprises.ONE["code"]) is not None

    return proof


def _hash_of_the_head(patch: pytest.MonkeyPatch) -> None:
    honest = simulator_x_road.request_hash
    patch.setattr(simulator_x_road, "request_hash", lambda method, path, headers, body: honest(method, path, headers, b""))


def _always_reached(patch: pytest.MonkeyPatch) -> None:
    honest = simulator.PlatformSimulator._forward

    async def forward(self: Any, method: str, body: bytes, way: Any, entry: dict[str, Any]) -> Any:
        answer = await honest(self, method, body, way, entry)
        entry["reached"] = True
        return answer

    patch.setattr(simulator.PlatformSimulator, "_forward", forward)


def _never_sent(patch: pytest.MonkeyPatch) -> None:
    async def forward(*_: Any) -> Any:
        raise Unreached

    patch.setattr(Providers, "forward", forward)


PROOFS: list[tuple[str, Proof, Break]] = [
    ("the hash leaves the body out", _hash_binds_the_body, _hash_of_the_head),
    ("the log says reached of a provider that was not", _reached_is_true, _always_reached),
    (
        "any providerurl is followed",
        _forwards_on_loopback_only,
        lambda patch: patch.setattr(simulator_ways, "on_loopback", bool),
    ),
    ("no token is asked for", _asks_for_a_token, lambda patch: patch.setattr(Tokens, "refusal", lambda *_: None)),
]


@pytest.mark.parametrize(
    ("proof", "broken"), [(proof, broken) for _, proof, broken in PROOFS], ids=[name for name, *_ in PROOFS]
)
async def test_a_stand_in_that_lies_is_seen(proof: Proof, broken: Break) -> None:
    """The proof holds for the honest one, and not for the broken one."""
    assert await proof()
    with pytest.MonkeyPatch.context() as patch:
        broken(patch)
        assert not await proof()


async def test_a_memory_that_writes_nothing_is_seen(tmp_path: Path) -> None:
    """The register that keeps an entry in memory alone has forgotten it after a start."""
    (tmp_path / "honest").mkdir()
    assert await _remembers(tmp_path / "honest")()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulator_state.Memory, "_append", lambda *_: None)
        assert not await _remembers(tmp_path)()


async def test_a_planted_error_is_not_a_lost_provider() -> None:
    """When nothing is ever sent, an error planted behind the provider cannot say that it was reached."""
    with pytest.MonkeyPatch.context() as patch:
        _never_sent(patch)
        async with platform() as caller:
            await caller.fault("refuse", code="Server.ServerProxy.InternalError", match={"stage": "after"})
            await caller.rest()
            assert (await caller.last_call())["reached"] is False and caller.provider.got == []
