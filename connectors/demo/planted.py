"""The script of the demo: every request the one-stop shops will make, and what is planted among them, fixed by the seed.

Planted kinds are the checker's: ``duplicate``, ``wrong``, ``unknown_code``, ``refused_by_portal``, ``known_at_portal``; and
one step whose answer gets lost on the way. The dossiers that carry the last four are the earliest of the day, so that their
repair is seen before anything else happens to them.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import orjson

from connectors.demo.planted_people import people
from connectors.demo.planted_soap import as_envelopes, suits, wrong_envelopes
from connectors.demo.script import OTHER_KEY, WRONG_KEY, Item, Script
from connectors.opencps.stories import Story, stories

DAY = date(2026, 11, 20)
UNKNOWN_PAIR = ("processing", "field-check")
UNKNOWN_ROW = [*UNKNOWN_PAIR, "processing"]
"""What the operator adds to the unit's state table: the unit checks on the spot, which is processing."""
BAD_ABSTRACT = "Trích yếu chưa đúng mẫu"
UNNUMBERED = 0.1
_DATES = "%d/%m/%Y %H:%M:%S"


def write(seed: int, dossiers: int) -> Script:
    """The script of ``dossiers`` (at least 50) life stories; the same seed gives the same script."""
    rng = random.Random(f"script of {seed}")
    told = stories(seed, dossiers, day=DAY, unnumbered=UNNUMBERED)
    early = sorted((one for one in told if _plain(one)), key=lambda one: _modified(one.records[0]))
    known, refused, lost, mended, *unknown = (one.code for one in early[:6])
    special = {known, refused, lost, mended, *unknown}
    ordinary = [one for one in told if one.code not in special]
    by_soap = rng.sample([one for one in ordinary if suits(one)], len(ordinary) // 8)
    enveloped = {one.code for one in by_soap}
    by_rest = [one for one in ordinary if one.code not in enveloped]
    repeated = {one.code for one in rng.sample(by_rest, max(5, dossiers // 20))}
    repeated |= {one.code for one in rng.sample(by_soap, len(by_soap) // 10)}
    unkeyed = {one.code for one in rng.sample(by_rest, max(3, dossiers // 50))}
    conflicting = rng.choice(by_rest).code
    lives: list[tuple[Item, ...]] = []
    for story in told:
        items = _records(story)
        if story.code == known:
            marked = [replace(one, planted="known_at_portal") for one in items]
            items = [marked[0], *(replace(one, waits_for="adopted") for one in marked[1:])]
        elif story.code == refused:
            items = _corrected(items)
        elif story.code in unknown:
            items = _with_unknown_code(items)
        elif story.code == mended:
            first, *rest = _with_unknown_code(items)
            items = [first, *(replace(one, planted=None, waits_for="table mended") for one in rest)]
        if story.code in enveloped:
            items = as_envelopes(items)
        if story.code in repeated:
            items = _repeat(items, rng)
        if story.code in unkeyed:
            place = rng.choice([n for n, one in enumerate(items) if one.planted is None])  # no repeat: it must be the latest
            items.insert(place + 1, replace(items[place], planted="duplicate", key=None))
        if story.code == conflicting:
            other = {**(items[0].record or {}), "sampleCount": 2}
            items.insert(1, replace(_wrong(items[0], other, 409, "Idempotency-Key"), key=items[0].key))
        lives.append(tuple(items))
    lives.append(tuple(_wrong_ones(by_rest, rng)))
    bare = [one for one in by_soap if "files" not in one.records[0]]
    lives.append(tuple(wrong_envelopes(_records(one)[0] for one in rng.sample(bare, 3))))
    struck = iter(rng.sample([one.code for one in ordinary if _plain(one)], 9))
    known_people, strangers, renamed = people(told, by_soap, by_rest, rng)
    counts: dict[str, int] = {}
    for item in (one for life in lives for one in life):
        if item.planted:
            counts[item.planted] = counts.get(item.planted, 0) + 1
    return Script(
        tuple(lives), counts, ({"MaHoSo": known},), known, refused, lost, tuple(unknown),
        standing_faults=({
            "service": "DongBoHoSoMC", "fault": "refuse", "times": None, "message": "Trích yếu hồ sơ không hợp lệ",
            "match": {"MaHoSo": refused, "TrichYeuHoSo": BAD_ABSTRACT},
        },),
        first_faults=(
            {"service": "CapNhatTienDoHoSoMC", "fault": "reset_after", "match": {"MaHoSo": lost}},
            *_first_call("DongBoHoSoMC", struck, "reset_after", "half_answer", "html_500", "reset_before"),
            {"service": "*", "fault": "http_503", "times": 2, "after": 300},
            {"service": "*", "fault": "http_429", "times": 2, "seconds": 1, "after": 500},
            {"service": "CapNhatTienDoHoSoMC", "fault": "session_expired", "times": 2, "after": 100},
            {"service": "TraCuuHoSo", "fault": "slow", "times": 5, "seconds": 0.4, "after": 40},
        ),
        later_faults=(
            *_first_call("DongBoHoSoMC", struck, "timeout_after", "half_answer"),
            {"service": "*", "fault": "http_503", "times": 3, "seconds": 1, "after": 200},
            {"service": "CapNhatTienDoHoSoMC", "fault": "session_expired", "times": 2, "after": 150},
            {"service": "CapNhatTienDoHoSoMC", "fault": "slow", "times": 5, "seconds": 0.4, "after": 250},
        ),
        people=known_people, strangers=strangers, renamed=renamed,
    )  # fmt: skip


def _first_call(service: str, codes: Iterator[str], *faults: str) -> Iterator[dict[str, Any]]:
    for fault in faults:
        yield {"service": service, "fault": fault, "match": {"MaHoSo": next(codes)}}


def _plain(story: Story) -> bool:
    """A life long enough to show a repair, numbered from its beginning, whose second state is the one to be spoilt."""
    first, second, *rest = story.records
    usual = first["dossierStatus"] == "new" and second["dossierStatus"] == UNKNOWN_PAIR[0]
    return usual and len(rest) >= 2 and bool(first["dossierNo"])


def _modified(record: Mapping[str, Any]) -> datetime:
    return datetime.strptime(record["modifiedDate"], _DATES)


def _item(record: dict[str, Any], key: str) -> Item:
    return Item(record["dossierNo"] or None, record["referenceUid"], orjson.dumps(record), record, key, _modified(record))


def _records(story: Story) -> list[Item]:
    return [_item(record, f"{story.code}/{record['dossierActionId']}") for record in story.records]


def _changed(item: Item, planted: str | None = None, **values: Any) -> Item:
    assert item.record is not None
    record = {**item.record, **values}
    return replace(item, record=record, body=orjson.dumps(record), planted=planted, due=_modified(record))


def _corrected(items: list[Item]) -> list[Item]:
    """The first state carries a text that the portal refuses; once that is seen, the source sends it corrected."""
    later = (items[0].due + timedelta(minutes=5)).strftime(_DATES)
    first = _changed(items[0], "refused_by_portal", briefNote=BAD_ABSTRACT)
    again = replace(_changed(items[0], modifiedDate=later), key=f"{items[0].key}/corrected", waits_for="refusal seen")
    return [first, again, *(replace(one, waits_for="refusal seen") for one in items[1:])]


def _with_unknown_code(items: list[Item]) -> list[Item]:
    """The second state has a sub-status that nobody entered in the unit's table; the rest of the life waits behind it."""
    status, sub_status = UNKNOWN_PAIR
    assert items[1].record is not None and items[1].record["dossierStatus"] == status
    return [items[0], _changed(items[1], "unknown_code", dossierSubStatus=sub_status), *items[2:]]


def _repeat(items: list[Item], rng: random.Random) -> list[Item]:
    """A record comes once more, key and all, at any time after itself."""
    place = rng.randrange(len(items))
    later = rng.randrange(place, len(items))
    again = replace(items[place], planted="duplicate", due=items[later].due)
    return [*items[: later + 1], again, *items[later + 1 :]]


def _wrong(item: Item, record: dict[str, Any] | None, status: int, names: str | None, **more: Any) -> Item:
    body = more.pop("body", None) or orjson.dumps(record)
    return replace(item, planted="wrong", record=record, body=body, status=status, names=names, **more)


def _wrong_ones(ordinary: list[Story], rng: random.Random) -> Iterator[Item]:
    """Requests that must be refused at the door, spread over the day; each is a record of a real dossier, spoilt."""
    picked = rng.sample([one for one in ordinary if len(one.records) > 2], len(_SPOILT))
    made: list[Item] = []
    for number, (story, spoil) in enumerate(zip(picked, _SPOILT, strict=True)):
        item = _records(story)[1]
        made.append(spoil(replace(item, key=f"wrong/{number}", code=story.code)))
    yield from sorted(made, key=lambda one: one.due)


def _with(**values: Any) -> Callable[[Item], dict[str, Any]]:
    return lambda item: {**copy.deepcopy(item.record or {}), **values}


def _without(name: str) -> Callable[[Item], dict[str, Any]]:
    return lambda item: {key: value for key, value in (item.record or {}).items() if key != name}


def _field(change: Callable[[Item], dict[str, Any]], names: str) -> Callable[[Item], Item]:
    return lambda item: _wrong(item, change(item), 422, names)


def _bytes(change: Callable[[bytes], bytes], names: str | None) -> Callable[[Item], Item]:
    return lambda item: _wrong(item, None, 400, names, body=change(item.body))


def _headers(status: int, names: str | None, **headers: str) -> Callable[[Item], Item]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda item: _wrong(item, item.record, status, names, headers=named)


_SPOILT: tuple[Callable[[Item], Item], ...] = (
    _bytes(lambda body: body[: len(body) // 2], None),  # breaks off
    _bytes(lambda body: b'{"referenceUid":"a",' + body[1:], "/referenceUid"),  # a key twice
    _bytes(lambda body: body[:-1] + b',"paymentNote":"\\u0000"}', "/paymentNote"),
    _bytes(lambda body: body[:-1] + b',"paymentNote":"\\ud800"}', "/paymentNote"),
    _bytes(lambda body: b"[" * 10_000 + b"]" * 10_000, None),
    _field(_without("serviceCode"), "/serviceCode"),
    _field(_without("dossierStatus"), "/dossierStatus"),
    _field(_with(referenceUid=""), "/referenceUid"),
    _field(_with(counter="mười"), "/counter"),
    _field(_with(online=True), "/online"),
    _field(_with(dossierNo="HS 15/2026"), "/dossierNo"),
    _field(_with(dossierNo="000.00.10.H22-260230-0007"), "/dossierNo"),  # 30 February
    _headers(415, "Hub-Schema", Hub_Schema=""),
    _headers(415, None, Hub_Schema="opencps-dossier@9"),
    _headers(415, "Content-Type", Content_Type="application/xml"),
    _headers(401, "Authorization", Authorization=f"Bearer {WRONG_KEY}"),
    _headers(403, "Hub-Schema", Authorization=f"Bearer {OTHER_KEY}"),
)
