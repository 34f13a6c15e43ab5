"""The script of the demo: every request the one-stop shops will make, and what is planted among them, fixed by the seed.

Planted kinds are the checker's: ``duplicate``, ``wrong``, ``unknown_code``, ``mistaken``, ``refused_by_portal``,
``known_at_portal``; and two steps whose answers get lost on the way. The dossiers that carry ``unknown_code`` and the last
three are the earliest of the day, so that their repair is seen before anything else happens to them.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import orjson

from connectors.demo import planted_calls
from connectors.demo.business import enterprises, with_right_numbers
from connectors.demo.cast import DATES, USUAL_SECOND, Cast, cast, modified
from connectors.demo.planted_files import as_lines, left_twice, with_a_mistake
from connectors.demo.planted_people import people
from connectors.demo.planted_soap import as_envelopes, wrong_envelopes
from connectors.demo.script import OTHER_KEY, WRONG_KEY, Item, Script
from connectors.opencps.stories import Story, stories

DAY = date(2026, 11, 20)
UNKNOWN_PAIR = (USUAL_SECOND, "field-check")
UNKNOWN_ROW = [*UNKNOWN_PAIR, "processing"]
"""What the operator adds to the unit's state table: the unit checks on the spot, which is processing."""
BAD_ABSTRACT = "Trích yếu chưa đúng mẫu"
UNNUMBERED = 0.1


def write(seed: int, dossiers: int) -> Script:
    """The script of ``dossiers`` (at least 50) life stories; the same seed gives the same script."""
    rng = random.Random(f"script of {seed}")
    day = with_right_numbers(stories(seed, dossiers, day=DAY, unnumbered=UNNUMBERED))
    roles = cast(day, rng)
    lives = _one_file_twice([tuple(_life(story, roles, rng)) for story in day], roles.mistaken)
    lives.append(tuple(_wrong_ones(roles.by_rest, rng)))
    bare = [one for one in roles.by_soap if "files" not in one.records[0]]
    lives.append(tuple(wrong_envelopes(_records(one)[0] for one in rng.sample(bare, 3))))
    lives += [(one,) for one in planted_calls.wrong_calls(_records(one)[0] for one in rng.sample(roles.by_calls, 2))]
    struck = iter(roles.struck)
    known_people, strangers, renamed = people(day, roles.by_soap, roles.by_rest, rng)
    known_enterprises, strange, other_name = enterprises(day, roles.by_rest, rng)
    counts: dict[str, int] = {}
    for item in (one for life in lives for one in life):
        if item.planted:
            counts[item.planted] = counts.get(item.planted, 0) + 1
    return Script(
        tuple(lives), counts, ({"MaHoSo": roles.known},), roles.known, roles.refused, roles.told,
        (roles.lost, roles.awaited), tuple(roles.unknown),
        standing_faults=(
            _refuses(roles.refused, BAD_ABSTRACT, "Trích yếu hồ sơ không hợp lệ"),
            _refuses(roles.told, planted_calls.BAD_ABSTRACT, planted_calls.BAD_ABSTRACT_SAID),
        ),
        first_faults=(
            *_first_call("CapNhatTienDoHoSoMC", iter((roles.lost, roles.awaited)), "reset_after", "reset_after"),
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
        enterprises=known_enterprises, strange_enterprises=strange, renamed_enterprises=other_name,
    )  # fmt: skip


def _life(story: Story, roles: Cast, rng: random.Random) -> list[Item]:
    """One dossier as it comes, with what is planted on it."""
    code, items = story.code, _records(story)
    if code == roles.known:
        marked = [replace(one, planted="known_at_portal") for one in items]
        items = [marked[0], *(replace(one, waits_for="adopted") for one in marked[1:])]
    elif code == roles.refused:
        items = _corrected(items)
    elif code in roles.unknown:
        items = _with_unknown_code(items)
    elif code == roles.mended:
        first, *rest = _with_unknown_code(items)
        items = [first, *(replace(one, planted=None, waits_for="table mended") for one in rest)]
    if code in roles.in_files:
        return as_lines(with_a_mistake(items) if code == roles.mistaken else items)
    if code in roles.in_calls:
        items = planted_calls.as_calls(items)
        if code == roles.told:
            return planted_calls.with_refusals(items)
        return planted_calls.repeated(items, rng) if code in roles.repeated else items
    if code in roles.in_envelopes:
        items = as_envelopes(items)
    if code in roles.repeated:
        items = _repeat(items, rng)
    if code in roles.unkeyed:
        place = rng.choice([n for n, one in enumerate(items) if one.planted is None])  # no repeat: it must be the latest
        items.insert(place + 1, replace(items[place], planted="duplicate", key=None))
    if code == roles.conflicting:
        other = {**(items[0].record or {}), "sampleCount": 2}
        items.insert(1, replace(_wrong(items[0], other, 409, "Idempotency-Key"), key=items[0].key))
    return items


def _one_file_twice(lives: list[tuple[Item, ...]], mistaken: str) -> list[tuple[Item, ...]]:
    """The earliest of what comes in files stands in one file, which is left once more."""
    first, again = left_twice([life for life in lives if life[0].way == "folder" and life[0].code != mistaken])
    by_dossier = {one.reference_uid: one for one in first}
    changed = [(by_dossier.get(life[0].reference_uid, life[0]), *life[1:]) for life in lives]
    return [*changed, tuple(again)]


def _refuses(code: str, abstract: str, message: str) -> dict[str, Any]:
    """What the portal says to this abstract of this dossier, whenever it comes."""
    match = {"MaHoSo": code, "TrichYeuHoSo": abstract}
    return {"service": "DongBoHoSoMC", "fault": "refuse", "times": None, "message": message, "match": match}


def _first_call(service: str, codes: Iterator[str], *faults: str) -> Iterator[dict[str, Any]]:
    for fault in faults:
        yield {"service": service, "fault": fault, "match": {"MaHoSo": next(codes)}}


def _item(record: dict[str, Any], key: str) -> Item:
    return Item(record["dossierNo"] or None, record["referenceUid"], orjson.dumps(record), record, key, modified(record))


def _records(story: Story) -> list[Item]:
    return [_item(record, f"{story.code}/{record['dossierActionId']}") for record in story.records]


def _changed(item: Item, planted: str | None = None, **values: Any) -> Item:
    assert item.record is not None
    record = {**item.record, **values}
    return replace(item, record=record, body=orjson.dumps(record), planted=planted, due=modified(record))


def _corrected(items: list[Item]) -> list[Item]:
    """The first state carries a text that the portal refuses; once that is seen, the source sends it corrected."""
    later = (items[0].due + timedelta(minutes=5)).strftime(DATES)
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


def _wrong_ones(ordinary: Sequence[Story], rng: random.Random) -> Iterator[Item]:
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
