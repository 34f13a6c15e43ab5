"""Routes that pin their way, and two versions of one source, in a running hub."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from flow.parts import CONFIG, REPOSITORY, MovableClock, make_home, running, settled
from hub.message import Arrival, SchemaRef, new_id

_PINNED = """\
  - { schema: portal-dossier@1, becomes: [dossier@1] }
  - { schema: opencps-dossier@2, becomes: [dossier@1, dossier-progress@1] }
endpoints:
"""
_OLDER = """\
  dossiers-to-portal: { take: dossier@1, to: portal, as: npsp-dossier@1, via: [dossier-to-npsp@1] }
  older: { take: dossier@1.1.0, to: portal, as: npsp-dossier@1, via: [dossier-to-dossier@1, dossier-to-npsp@1.0] }
"""


async def test_each_message_goes_the_way_that_its_route_pins(tmp_path: Path) -> None:
    """One message reaches the partner in both versions of its schema; three source schemas, two of them versions of one, are
    taken at the same time."""
    lines = CONFIG.replace("endpoints:\n", _PINNED).splitlines(keepends=True)
    config = "".join(_OLDER if "dossiers-to-portal" in line else line for line in lines)
    clock = MovableClock()
    given = {
        schema: yaml.safe_load((REPOSITORY / f"mappings/{mapping}.yaml").read_text(encoding="utf-8"))["tests"][0]["given"]
        for schema, mapping in (
            ("portal-dossier@1", "portal-dossier-to-dossier/1.0.0"), ("opencps-dossier@1", "opencps-to-dossier/1.0.0"),
            ("opencps-dossier@2", "opencps-to-dossier/2.0.0"),
        )
    }  # fmt: skip
    given["portal-dossier@1"]["data"]["MaHoSo"] = "000.00.10.H22-261121-0007"
    given["opencps-dossier@2"] |= {"referenceUid": "second", "dossierNo": "000.00.10.H22-261121-0008"}
    async with running(make_home(tmp_path, config), clock) as (hub, portal):
        for schema, body in given.items():
            ref, encoded = SchemaRef.parse(schema), json.dumps(body).encode()
            arrival = Arrival(new_id(), "one-stop", ref, encoded, clock(), new_id().replace("-", ""))
            assert (await hub.intake.accept(arrival)).receipt["state"] == "accepted"
        assert set(await settled(hub)) == {"delivered"}
        assert sorted(str(one.schema) for one in portal.calls if one.schema.id == "npsp-dossier") == [
            "npsp-dossier@1.0.0", "npsp-dossier@1.0.0", "npsp-dossier@1.0.0", "npsp-dossier@1.1.0"
        ]  # fmt: skip
        both = {str(one.schema): one.body for one in portal.calls if "000.00.10.H22-261121-0007" in one.codes.values()}
        assert set(both) == {"npsp-dossier@1.0.0", "npsp-dossier@1.1.0"}
