"""The simulated ministry portal stands in for the portal of a configured endpoint: same paths and account, no secret."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from connectors.ministry_portal.simulator import MinistryPortalSimulator
from connectors.ministry_portal.simulator_config import MinistryPortalSimulatorConfig
from hub.connector import load_connector
from hub.testing import serve
from ministry_portal_sim.caller import dossier

SETTINGS: dict[str, Any] = {
    "base_url": "https://dvc.bo.invalid/api/v2/",
    "client_id": "province-01",
    "client_secret": "a real secret",
    "client_as": "json",
    "token_at": "/data/access_token",
    "paths": {"token": "/sign-in", "create": "/ho-so/noi", "look_up": "/ho-so/tra-cuu"},
    "ok_codes": [200, 0],
    "exists_codes": [409],
    "ca_file": "/etc/ca.pem",
    "reached": {"by": "lgsp", "adapter": {"forward_url": "https://lgsp.invalid/forward"}},
    "push": {"path": "/in"},
    "feed": {"path": "/bien-dong", "cursor_parameter": "tu", "items_at": "/data/items"},
    "read_timeout": 20,
}


def _stand_in(settings: dict[str, Any]) -> tuple[MinistryPortalSimulator, Any]:
    rehearsal = MinistryPortalSimulator.rehearse(settings, lambda _: None)
    assert rehearsal is not None
    return MinistryPortalSimulator(MinistryPortalSimulatorConfig.model_validate(rehearsal.simulator)), rehearsal.endpoint


async def test_the_endpoint_finds_what_its_settings_say() -> None:
    """Token, code, create, look-up and feed at the configured paths, with the account as configured but for its secret."""
    simulated, endpoint = _stand_in(SETTINGS)
    running = await serve(simulated)
    try:
        told = endpoint(running.url)
        base = told["base_url"]
        assert base == f"{running.url}/api/v2" and told["client_id"] == "province-01" and told["read_timeout"] == 20
        assert "a real secret" not in str(told) and "invalid" not in str(told)
        assert not {"ca_file", "reached", "push"} & set(told)
        async with aiohttp.ClientSession() as http:
            given = {name: told[name] for name in ("client_id", "client_secret")}
            async with http.post(f"{base}/sign-in", json=given) as answer:
                token = (await answer.json())["data"]["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            async with http.get(f"{base}/GetNextValue", params={"code": "G09.20"}, headers=headers) as answer:
                code = (await answer.json())["value"]
            for known in (200, 409):
                async with http.post(f"{base}/ho-so/noi", json=dossier(code), headers=headers) as answer:
                    assert (await answer.json())["code"] == known
            async with http.get(f"{base}/ho-so/tra-cuu", params={"MaHoSo": code}, headers=headers) as answer:
                assert (await answer.json())["data"]["maHoSo"] == code
            async with http.get(f"{base}/bien-dong", params={"tu": ""}, headers=headers) as answer:
                assert (await answer.json())["data"]["items"] == []
    finally:
        await running.close()


def test_secrets_that_are_not_there_are_replaced() -> None:
    """A reference that leads to nothing is None; a token may be told flat; paths that cannot be had are the usual ones."""
    given = {"base_url": None, "client_id": None, "client_secret": None, "lgsp_access_token": None, "token_at": "/access_token"}
    simulated, endpoint = _stand_in({**given, "paths": {"create": "/_control/x", "other": "/x"}})
    told = endpoint("http://127.0.0.1:1")
    assert told["base_url"] == "http://127.0.0.1:1"
    assert {told[name] for name in ("client_id", "client_secret", "lgsp_access_token")} == {"rehearsal"}
    config = simulated.config
    assert config.lgsp_access_token == "rehearsal" and config.token_answer == "flat" and config.paths.create == "/NoiHoSo"


@pytest.mark.parametrize("more", [{}, {"lgsp_access_token": "x"}, {"paths": {"look_up": "/TraCuuHoSo"}}])
def test_the_connector_takes_the_replaced_settings(more: dict[str, Any]) -> None:
    """They are settings of the connector of the same name."""
    least = {"base_url": "https://dvc.bo.invalid", "client_id": "province-01", "client_secret": "a real secret"}
    _, endpoint = _stand_in(least | more)
    load_connector("ministry-portal").Config.model_validate(endpoint("http://127.0.0.1:1"))
