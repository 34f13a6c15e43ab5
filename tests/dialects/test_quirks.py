"""Real quirks are read without loss: whatever form an answer has, the same is told on, whole."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from known_catalog import read

from dialects.answerer import Answerer, answering
from dialects.calls import made
from dialects.rows import quirks, said
from dialects.test_table import USUAL
from hub.config import PACKAGED
from hub.translation import Catalog

FORMS = [(quirk, at) for quirk in quirks() for at in range(len(quirk["bodies"]))]
_CANONICAL = {
    "population": ("c06-citizen@1", "citizen@1"), "business": ("business-registry-enterprise@1", "enterprise@1"),
    "ministry": ("ministry-feed-dossier@1", "dossier@1"),
}  # fmt: skip


@cache
def _catalog() -> Catalog:
    return read([PACKAGED], {"npsp-procedures@1": ("name", "field_code", "field_name")})[0]


def canonical(partner: str, body: Any) -> Any:
    """What the shipped mapping makes of what the connector told, which must fit its schema."""
    source, target = _CANONICAL[partner]
    _catalog().schema(source).validate(body)
    translated = _catalog().chain(source, target).translate(body)
    assert translated is not None and not translated.warnings
    return translated.body


def told(call: str, result: Any, partner: Answerer) -> Any:
    """What became of the answer: the result, or what is sent after it."""
    match call:
        case "portal.login":
            return {"session": partner.sent("portal.sync")["session"]}
        case "portal.sync":
            return {"reference": result.reference, "said": result.said}
        case "portal.find":
            return {"holds": result}
        case "ministry.next_value":
            return {"MaHoSo": partner.sent("ministry.create")["MaHoSo"]}
        case "ministry.upload":
            paper = partner.sent("ministry.create")["ThanhPhanHoSo"][0]["GiayToDinhKem"][0]
            return {name: paper[name] for name in ("IdGiayTo", "HashTepTin")}
        case "ministry.create":
            return {"reference": result.reference, "ids": result.ids, "warnings": [*result.warnings]}
        case "ministry.token" | "platform.token":
            return {"authorization": partner.asked[-1][1].headers["authorization"]}
        case "ministry.feed":
            return [canonical("ministry", one) for one in result]
        case "portal.procedures":
            return result
    return canonical(call.partition(".")[0], result)


async def _told(quirk: dict[str, Any], at: int) -> Any:
    call = quirk["call"]
    answer = {call: said({**quirk, "body": quirk["bodies"][at]})}
    feeds = call == "ministry.feed"
    async with answering(USUAL if feeds else USUAL | answer, answer if feeds else None) as partner:
        return told(call, await made(call, partner, {}), partner)


@pytest.mark.parametrize(("quirk", "at"), FORMS, ids=lambda one: one["id"] if isinstance(one, dict) else str(one))
async def test_nothing_is_lost(quirk: dict[str, Any], at: int) -> None:
    """Each form tells the same."""
    assert await _told(quirk, at) == quirk["told"]


async def test_both_spellings_of_the_inner_id_are_sent() -> None:
    """IDHoSo with steps, IdHoSo with states [read: IGATE26]; both beside MaHoSo."""
    async with answering(USUAL) as partner:
        await made("ministry.progress", partner, {})
        await made("ministry.status", partner, {})
        (step,), (state,) = partner.sent("ministry.progress"), partner.sent("ministry.status")
    assert step["IDHoSo"] == state["IdHoSo"] == "8f14e45f" and step["MaHoSo"] == state["MaHoSo"]
    assert "IdHoSo" not in step and "IDHoSo" not in state


async def test_a_changed_value_is_told_changed() -> None:
    """Sabotage of the quirks: an answer of which one letter differs does not tell what the quirk tells."""
    for quirk in quirks():
        if quirk["call"] in ("portal.find", "population.facade"):
            continue
        body = quirk["bodies"][0]
        for right, wrong in (("MẪU", "MẦU"), ("t-1", "t-2"), ("kết hôn", "ly hôn"), ("nhận", "nhẫn"), ("0092637", "0092638"),
                             ("5009", "5008"), ("20260601123456", "20260601123457")):  # fmt: skip
            if right in body:
                body = body.replace(right, wrong)
                break
        else:
            pytest.fail(f"{quirk['id']}: nothing to change")
        assert await _told({**quirk, "bodies": [body]}, 0) != quirk["told"], quirk["id"]
