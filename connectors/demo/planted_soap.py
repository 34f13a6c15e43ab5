"""The part of the script that the older one-stop system sends: dossiers as envelopes, and a few that are wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from uuid import UUID, uuid5

from connectors.demo.envelopes import OWN_KEY, procedure, state_envelope, step_envelope
from connectors.demo.evidence import Part
from connectors.demo.script import WRONG_KEY, Item
from connectors.opencps.stories import Story


def suits(story: Story) -> bool:
    """Whether the older system can tell this dossier: it knows national codes of procedures only."""
    return bool(procedure(story.records[0]))


def as_envelopes(items: Iterable[Item]) -> list[Item]:
    """The same life as the older system tells it: of each record its state, then its step."""
    return [_enveloped(item, part) for item in items for part in ("state", "step")]


def _enveloped(item: Item, part: Part) -> Item:
    assert item.record is not None
    request_id = str(uuid5(UUID(item.reference_uid), f"{item.key}/{part}"))
    write = state_envelope if part == "state" else step_envelope
    return replace(item, body=write(item.record, request_id), key=request_id, part=part, way="soap", status=200)


def wrong_envelopes(items: Iterable[Item]) -> Iterator[Item]:
    """Of three records of real dossiers: one breaks off, one lacks what it must say, one comes with a key that nobody has."""
    own = (replace(one, planted="wrong", key=f"wrong/{one.key}") for one in sorted(items, key=lambda one: one.due))
    broken, lacking, strange = (_enveloped(one, "state") for one in own)
    yield replace(broken, record=None, body=broken.body[: len(broken.body) // 2], status=500)
    without = re.sub(rb"<CapNhatLuc>.*</CapNhatLuc>", b"", lacking.body)
    yield replace(lacking, body=without, status=500, names="/SubmitDossier/HoSo/CapNhatLuc")
    body = strange.body.replace(OWN_KEY.encode(), WRONG_KEY.encode())
    yield replace(strange, body=body, status=401, names="/Envelope/Header/Security/UsernameToken")
