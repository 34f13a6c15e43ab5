"""The simulated platform in front of other simulators: the same partner is asked by each of its doors."""

from __future__ import annotations

import aiohttp
from business_registry_sim import register as enterprises
from population import registry as people

from connectors.platform.simulator import PlatformSimulator
from connectors.platform.simulator_config import PlatformConfig
from hub.testing import serve
from platform_sim.platform_home import BLOCK, CLIENT, DSTCODE, IDENTIFIERS, OWNER, SERVICE, X_ROAD, identifier, owner


async def test_the_business_register_behind_rest_adapter_and_gateway() -> None:
    """One enterprise, found with the register's own token by two doors, and not by the one that keeps it for itself."""
    async with enterprises.register() as caller:
        context = enterprises.PATH.rpartition("/")[0]
        config = PlatformConfig(
            services={SERVICE: caller.url + enterprises.PATH},
            dstcodes={DSTCODE: caller.url},
            apis={context: caller.url + context},
            check_access_token=False,
        )
        running = await serve(PlatformSimulator(config))
        query, own = {"msdn": enterprises.ONE["code"]}, {"Authorization": f"Bearer {caller.bearer}"}
        try:
            for path, headers, status in (
                (f"/r1/{SERVICE}", {"X-Road-Client": CLIENT}, 200),
                (f"/XrdAdapter/RestService/forward{enterprises.PATH}", {"dstcode": DSTCODE}, 200),
                (enterprises.PATH, {}, 401),  # the gateway keeps the token for itself
            ):
                async with caller.http.get(running.url + path, params=query, headers=own | headers) as answer:
                    assert answer.status == status
                    told = await answer.json()
                assert status == 401 or told["Data"]["MainInformation"]["NAME"] == enterprises.ONE["name"]
            assert len(await caller.questions()) == 2
        finally:
            await running.close()


async def test_the_population_registry_behind_soap() -> None:
    """Its question with X-Road's header block, its own HTTP headers passed on as on NDXP, finds the citizen."""
    code = people.LOOK_UP
    block = BLOCK | {"service": identifier("service", "SERVICE", *owner("000.00.00.G05", "registry"), ("serviceCode", code))}
    names = f'xmlns:xro="{X_ROAD}" xmlns:iden="{IDENTIFIERS}"'
    head = "".join(block.values())
    for name in block:
        head = head.replace(f"<xro:{name}", f"<xro:{name} {names}", 1)
    text = people.envelope(people.fields(), header=f"<soapenv:Header>{head}</soapenv:Header>")
    async with people.registry() as caller:
        config = PlatformConfig(services={f"{OWNER}/{code}": f"{caller.url}/dancu"}, soap_http_headers="all")
        running = await serve(PlatformSimulator(config))
        try:
            headers = people.headers() | {"Content-Type": "text/xml"}
            async with aiohttp.ClientSession() as http, http.post(running.url, data=text.encode(), headers=headers) as answer:
                told = await answer.text()
            assert answer.status == 200 and "001190990001" in told and "requestHash" in told
            assert [asked["outcome"] for asked in await caller.questions()] == ["found"]
        finally:
            await running.close()
