"""The checker of the event stream: who heard everything knows the ledger, and whatever is withheld is found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.demo.check_events import Heard, Held, Stream, events
from demo.played import Played

ONE, TWO = "d-1", "d-2"
AT = 1_795_338_000_123_999
SAID_AT = "2026-11-22T09:00:00.123Z"
ROW: dict[str, Any] = {
    "dossier_id": ONE, "endpoint": "portal", "stream": "dossier", "routed_seq": 2, "routed_at": AT, "sent_seq": 1,
    "sent_at": AT, "sent_message": "m-1", "heard_seq": None, "heard_at": None, "heard_message": None, "open": 0, "dead": 1,
    "doubted": 0,
}  # fmt: skip
CELL: dict[str, Any] = {
    "endpoint": "portal", "stream": "dossier", "routed_seq": 2, "routed_at": SAID_AT, "sent_seq": 1, "sent_at": SAID_AT,
    "sent_message": "m-1", "open": 0, "dead": 1, "behind": True,
}  # fmt: skip
HELD = Held(
    {(ONE, "portal", "dossier"): ROW},
    {
        ("dossier", f"{ONE} national A-1"): "named", ("dossier", f"{TWO} national A-2"): "named",
        ("arrival", "a-1"): "accepted", ("message", "m-1"): "accepted",
        ("delivery", "v-1"): "delivered", ("delivery", "v-2"): "dead",
    },
)  # fmt: skip


def told(offset: int, kind: str, dossier: str = ONE, sequence: int | None = None, **data: Any) -> Heard:
    headers = {"ce_type": f"dossier-hub.{kind}", "ce_sequence": f"{sequence or offset:04d}", "ce_subject": dossier}
    return Heard(0, offset, dossier, headers, {"dossier": dossier, **data})


def day() -> list[Heard]:
    """What an honest hub tells of ``HELD``."""
    return [
        told(1, "dossier.named", codes=[{"system": "national", "code": "A-1"}]),
        told(2, "arrival.accepted", arrival="a-1"),
        told(3, "message.accepted", message="m-1"),
        told(4, "ledger.changed", **{**CELL, "open": 2, "dead": 0}),
        told(5, "delivery.routed", delivery="v-1"),
        told(6, "delivery.routed", delivery="v-2"),
        told(7, "dossier.named", TWO, codes=[{"system": "national", "code": "A-2"}]),
        told(8, "delivery.delivered", delivery="v-1"),
        told(9, "delivery.dead", delivery="v-2"),
        told(10, "ledger.changed", TWO, endpoint="portal", stream="dossier", open=1, dead=0),
        told(11, "ledger.changed", **CELL),
        told(12, "ledger.changed", TWO, endpoint="portal", stream="dossier", gone=True),
    ]


def counts(found: Stream) -> tuple[int, int, int, int]:
    return found.repeated, found.differing, found.lost, found.out_of_order


def test_who_heard_everything_knows_the_ledger() -> None:
    found = events(day(), HELD)
    assert found.findings == []
    assert found.line() == ("events: published=12 repeated=0 dossiers=1 ledger_cells=1 differing=0 lost=0 out_of_order=0")


def test_what_comes_again_changes_nothing() -> None:
    """A hub that was killed tells the last ones once more; who listens skips them."""
    again = [replace(one, offset=one.offset + 20) for one in day()[3:6]]
    found = events([*day(), *again], HELD)
    assert found.findings == [] and counts(found) == (3, 0, 0, 0) and found.published == 12


@pytest.mark.parametrize("number", range(12))
def test_a_record_that_is_withheld_is_found(number: int) -> None:
    """All but those whose news a later one tells too."""
    found = events(day()[:number] + day()[number + 1 :], HELD)
    told_later = number in (3, 4, 5, 9)
    assert bool(found.findings) != told_later
    assert (found.differing, found.lost) == ((0, 0) if told_later else (1, 0) if number in (10, 11) else (0, 1))


def test_one_that_comes_late_is_out_of_order() -> None:
    """A later one was there before it: who listens skips it, and so misses what it says."""
    late = [*day()[:7], *day()[8:], told(20, "delivery.delivered", sequence=8, delivery="v-1")]
    found = events(late, HELD)
    assert counts(found) == (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("sent_seq", 2, "behind, sent_seq"),
        ("sent_at", AT + 1, "sent_at"),
        ("heard_seq", 9, "ahead, heard_seq"),
        ("open", 1, "open"),
    ],
)
def test_a_field_of_the_ledger_that_is_another_is_named(name: str, value: int, said: str) -> None:
    """The hub holds another value than it told: the finding names the field, and not the value."""
    found = events(day(), Held({(ONE, "portal", "dossier"): {**ROW, name: value}}, HELD.became))
    assert found.findings == [f"events: ledger of dossier {ONE}, portal, dossier: {said}"] and found.differing == 1


def test_a_record_of_another_dossier_or_partition_is_found() -> None:
    strange = [replace(one, key=TWO) if one.sequence == "0002" else one for one in day()]
    assert any("another dossier" in one for one in events(strange, HELD).findings)
    moved = [replace(one, partition=1) if one.sequence == "0011" else one for one in day()]
    assert any("two partitions" in one for one in events(moved, HELD).findings)


@pytest.mark.xdist_group("demo")
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("kind", "wrong"), [("ledger.changed", "differing"), ("delivery.delivered", "lost"), ("message.accepted", "lost")]
)
def test_one_record_of_a_whole_demo_withheld_is_found(played: Played, kind: str, wrong: str) -> None:
    """Of the thousands that the hub published, the last of its kind with news."""
    assert events(played.heard, played.held).findings == []
    told: dict[tuple[str, ...], list[Heard]] = {}
    for one in sorted((one for one in played.heard if one.type == kind), key=lambda one: one.sequence):
        about = tuple(one.data.get(name, "") for name in ("dossier", "endpoint", "stream", "delivery", "message"))
        told.setdefault(about if kind != "ledger.changed" else about[:3], []).append(one)
    with_news = [own[-1] for own in told.values() if all(one.data != own[-1].data for one in own[:-1])]
    last = max(with_news, key=lambda one: one.sequence)
    found = events([one for one in played.heard if one.sequence != last.sequence], played.held)
    assert getattr(found, wrong) == len(found.findings) == 1
