"""Which dossiers go to a ministry: those of its procedures, by the README's routes, whichever canonical version tells them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ministry_portal.home import at_rest, home_at, hub_on, look, take
from ministry_portal.parts import simulated

THERE, ELSEWHERE = "000.00.10.H22-261121-0001", "000.00.10.H22-261121-0002"
_OURS = "take: dossier@1, when: { equals: { procedure.field_code: G09-KD01 } }, to: ministry"
ROUTES = f"""
  dossiers-to-ministry: {{ {_OURS}, as: ministry-dossier@1 }}
  states-to-ministry: {{ {_OURS}, as: ministry-status@1 }}
  steps-to-ministry: {{ take: dossier-progress@1, when: {{ absent: source_id }}, to: ministry, as: ministry-progress@1 }}
"""


def dossier(code: str, field: str) -> dict[str, Any]:
    return {
        "source_id": code, "code": code, "state": "received", "procedure": {"code": "1.005129", "field_code": field},
        "owner": {"kind": "enterprise", "name": "Công ty Mẫu", "id_number": "0100000001"}, "contact": {"name": "Trần Thị Mẫu"},
        "submitted_at": "2026-11-21T07:45:00+07:00", "received_at": "2026-11-21T08:00:00+07:00",
    }  # fmt: skip


def step(code: str) -> dict[str, Any]:
    return {
        "source_id": code, "code": code, "step_id": f"{code}/1", "state": "processing", "content": "Thụ lý",
        "handled_at": "2026-11-21T09:30:00+07:00", "handled_by": "Lý Thị Mẫu",
    }  # fmt: skip


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
async def test_steps_go_only_where_their_dossier_is(tmp_path: Path, version: str) -> None:
    """A dossier that is not the ministry's leaves nothing there, and no dead letter here."""
    async with simulated() as portal:
        home = home_at(tmp_path, portal.url)
        config = (home / "config.yaml").read_text(encoding="utf-8")
        sources = "sources:\n  - { schema: dossier@1, becomes: [dossier@1] }\n"
        sources += "  - { schema: dossier-progress@1, becomes: [dossier-progress@1] }\n"
        config = config.partition("routes:")[0].replace("sources:\n", sources) + "routes:" + ROUTES
        (home / "config.yaml").write_text(config, encoding="utf-8")
        async with hub_on(home) as hub:
            for code, field in ((THERE, "G09-KD01"), (ELSEWHERE, "G15-CT02")):
                await take(hub, f"dossier@{version}", dossier(code, field))
                await take(hub, "dossier-progress@1.0.0", step(code))
            await at_rest(home)
            assert look(home, "select state, code, reason from deliveries where state <> 'delivered'") == []
        (held,) = (await portal.state())["dossiers"].values()
        assert len(held["progress"]) == 1 and [one["TrangThai"] for one in held["status"]] == [2]
