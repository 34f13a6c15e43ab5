"""Judges what came in from a ministry's feed: every state at the local system, in order, and every result file whole.

    fed(
        [{"code": "000.00.10.H22-261122-0001", "item": {…feed item as it was put…}}, …],     # in order of the feed
        [{"code": …, "url": "http://…/files/7", "sha256": "…", "size": 70000}, …],           # result files put there
        body_of_control_state_of_the_local_system,
        [{"code": …, "sha256": "…", "size": 70000, "status": 200}, …],                       # fetched through the hub's links
        choices={"results.code": ()},
    )
    strangers(local_state, {*fed_codes, *filed_codes})     # what is there of nobody's

``code`` is what the local system calls the dossier. Items one after the other that say the same to the local system (only a
date that it does not take differs) are one state.

* **lost**: a state that the local system never got, a value altered, a result file that cannot be fetched, or is another one.
* **duplicated**: a state or a result file that is there twice. **out_of_order**: a state at another place than it was fed.
* A result must be told by a link of the hub; the ministry's own address is no such link.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from connectors.demo.alignment import Wanted
from connectors.demo.evidence import Found
from connectors.demo.expected import Choices, NotAgreed, differences
from connectors.demo.expected_filing import FED_CHOICES, as_held, expected_fed
from connectors.demo.lane import judge_lane

_Told = Sequence[Mapping[str, Any]]


def fed(fed: _Told, served: _Told, local_state: Mapping[str, Any], fetched: _Told, *, choices: Choices | None = None) -> Found:
    """``local_state``: body of ``GET /_control/state`` of the local system. What was ``fetched`` of other dossiers is passed
    over. Raises ValueError for a file served for a dossier that is not in the feed."""
    found = Found()
    items: dict[str, list[Mapping[str, Any]]] = {}
    for one in fed:
        items.setdefault(one["code"], []).append(one["item"])
    if lonely := sorted({one["code"] for one in served} - items.keys()):
        raise ValueError(f"files served for dossiers that are not in the feed: {lonely}")
    addresses = {one["url"] for one in served}
    for code, told in items.items():
        filings = []
        for n, item in enumerate(told, 1):
            try:
                filings.append(expected_fed(code, item, {**FED_CHOICES, **(choices or {})}))
            except NotAgreed as reason:
                found.lost += 1
                found.say(f"{code} (item {n}): fed, but {reason}")
        came_down(found, code, filings, local_state, addresses)
        same_files(
            found, code,
            [(one["sha256"], one["size"]) for one in served if one["code"] == code],
            [one for one in fetched if one["code"] == code],
        )  # fmt: skip
    return found


def strangers(local_state: Mapping[str, Any], codes: Collection[str]) -> Found:
    """What the local system holds that nobody sent down, and receipt numbers that it gave twice."""
    found = Found()
    for code in local_state["filings"].keys() - set(codes):
        found.say(f"{code}: at the local system, but nobody sent it there")
    numbers = [one["receiptNumber"] for one in local_state["filings"].values()]
    if len(set(numbers)) < len(numbers):
        found.say("the local system gave a receipt number twice")
    return found


def came_down(
    found: Found, code: str, filings: Sequence[Mapping[str, Any]], local_state: Mapping[str, Any], addresses: Collection[str]
) -> None:
    """Lays what the local system holds of a dossier beside what was to come down, one filing a state."""
    told = [one for place, one in enumerate(filings) if not place or one != filings[place - 1]]
    entry = local_state["filings"].get(code)
    if entry is None:
        found.lost += len(told)
        found.say(f"{code}: not at the local system at all, {len(told)} states are lost")
        return
    wanted = [Wanted(n, [{"state": one["state"]}], True) for n, one in enumerate(told, 1)]
    judge_lane(found, code, "state", [{"state": one} for one in entry["states"]], wanted)
    held = as_held(entry["filing"], addresses)
    if held.get("state") != entry["states"][-1]:
        found.say(f"{code}: what the local system holds is not what it took last")
    if told and (wrong := differences({**told[-1], "state": held.get("state", "")}, held)):
        found.lost += 1
        found.findings += [f"{code} {one} (at the local system)" for one in wrong]


def same_files(found: Found, code: str, wanted: Sequence[tuple[str, int]], fetched: _Told) -> None:
    """Each file once, whole and no other; ``wanted``: SHA-256 and size, in order."""
    open_wanted = list(wanted)
    others = 0
    for one in fetched:
        if one["status"] != 200:
            found.say(f"{code}: a link to a file answers with {one['status']}")
        elif (got := (one["sha256"], one["size"])) in open_wanted:
            open_wanted.remove(got)
            found.delivered += 1
        elif got in wanted:
            found.duplicated += 1
            found.say(f"{code}: a file is there twice")
        else:
            others += 1
    for _ in range(others):
        found.say(f"{code}: a link leads to another file than the one that was put there")
    found.lost += len(open_wanted)
    for _ in open_wanted:
        found.say(f"{code}: a file is missing")
