"""Judges what a ministry's portal holds of the dossiers that went there: created once, under one code issued there, then every
state and every step in order.

    ministry(
        [{"code": "000.00.10.H22-261122-0001", "record": {…OpenCPS record…}}, …],   # one per record, in order of sending
        body_of_control_state, catalogue, choices={"ChuHoSo": ("applicantName",)},
        codes={"000.00.10.H22-261122-0001": "G09.20-20261122-0000001", …},          # what the hub calls them; may be left out
    )

``cases``: each record once, accepted and due: no repeat, none that was refused. The first record of a dossier creates it, each
later one is a status, each is a step (records with one ``dossierActionId`` tell one step). The ministry does not know our
code: which of its dossiers is whose is found by what was created.

* **lost**: a create, state or step that is missing or altered. **duplicated**: a second create, a code that was issued and
  never used, a state or step shown twice. **out_of_order**: a state or step at another place than it was sent.
* ``unanswered`` codes are excused: the ministry's own call log says that nobody was told of them. So are as many repeated
  steps and states as the hub announced as in doubt and sent again (``doubtful_progress``).

The ministry's state does not tell a step's place among the states, so only each list's own order is judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.demo.alignment import Wanted
from connectors.demo.evidence import Found
from connectors.demo.expected import Catalogue, Choices, NotAgreed, differences
from connectors.demo.expected_ministry import (
    expected_create,
    expected_ministry_step,
    expected_status,
    settled_ministry,
    tidy,
)
from connectors.demo.lane import judge_lane

Case = Mapping[str, Any]
"""``code``: the national code; ``record``: the OpenCPS record as it was sent."""


def ministry(
    cases: Sequence[Case],
    ministry_state: Mapping[str, Any],
    catalogue: Catalogue,
    *,
    choices: Choices | None = None,
    codes: Mapping[str, str] | None = None,
    unanswered: int = 0,
    doubtful_progress: int = 0,
    told_at_once: bool = False,
) -> Found:
    """``told_at_once``: a dossier's first state is told as a status too, right after the create, which has no TrangThai.
    ``ministry_state``: body of ``GET /_control/state``; ``codes``: the code issued there by ours, as the hub tells it.
    Raises ValueError for an unknown choice."""
    judgement = _Judgement(cases, ministry_state, catalogue, settled_ministry(choices or {}), told_at_once)
    return judgement.found(codes, unanswered, doubtful_progress)


class _Judgement:
    def __init__(
        self, cases: Sequence[Case], state: Mapping[str, Any], catalogue: Catalogue, choices: Choices, told_at_once: bool
    ) -> None:
        self._records: dict[str, list[Mapping[str, Any]]] = {}
        for case in cases:
            self._records.setdefault(case["code"], []).append(case["record"])
        self._issued: Mapping[str, Any] = state["issued"]
        self._uploads: Mapping[str, Any] = state["uploads"]
        self._there: Mapping[str, Any] = {
            code: {"object": {}, "progress": [], "status": [], **tidy(entry)} for code, entry in state["dossiers"].items()
        }
        self._catalogue, self._choices, self._told_at_once = catalogue, choices, told_at_once
        self._found = Found()

    def found(self, codes: Mapping[str, str] | None, unanswered: int, doubtful_progress: int) -> Found:
        whose, again = self._whose()
        for code, records in self._records.items():
            there = whose.get(code)
            if there is None:
                self._missing(code, records)
                continue
            if codes is not None and codes.get(code) != there:
                self._found.say(f"{code}: the hub does not call it {there}, as the ministry does")
            self._dossier(code, records, there)
        twice = [one for one in self._found.findings if one.endswith(("a step is there twice", "a state is there twice"))]
        for finding in twice[:doubtful_progress]:
            self._found.duplicated -= 1
            self._found.findings.remove(finding)
        for there in again:
            self._found.duplicated += 1
            self._found.say(f"{there}: created a second time")
        for there in self._there.keys() - set(whose.values()) - set(again):
            self._found.say(f"{there}: at the ministry, but nobody sent it there")
        self._codes(whose, unanswered)
        if self._uploads:
            self._found.say(f"{len(self._uploads)} files were uploaded to the ministry, no record has one")
        return self._found

    def _whose(self) -> tuple[dict[str, str], list[str]]:
        """Our code to the ministry's; and what was created a second time. The best fit first; what fits less than half, not."""
        fits = []
        for code, records in self._records.items():
            for there, entry in self._there.items():
                wrong = self._wrong_create(records[0], there)
                if wrong is not None and 2 * len(wrong) < _leaves(entry["object"]):
                    fits.append((len(wrong), -len(entry["progress"]), code, there))
        whose: dict[str, str] = {}
        taken: set[str] = set()
        for _, _, code, there in sorted(fits):
            if code not in whose and there not in taken:
                whose[code] = there
                taken.add(there)
        return whose, sorted({there for wrong, _, _, there in fits if not wrong and there not in taken})

    def _wrong_create(self, record: Mapping[str, Any], there: str) -> list[str] | None:
        try:
            agency = self._issued.get(there, {}).get("agency", "")
            issued = {"code": there, "agency": agency}
            wanted = expected_create(record, issued, self._catalogue, self._choices)
        except NotAgreed:
            return None
        return differences(wanted, self._there[there]["object"])

    def _missing(self, code: str, records: Sequence[Mapping[str, Any]]) -> None:
        steps = len({record.get("dossierActionId", place) for place, record in enumerate(records)})
        self._found.lost += len(records) + steps
        self._found.say(f"{code}: not at the ministry at all, {len(records)} states and {steps} steps are lost")

    def _dossier(self, code: str, records: Sequence[Mapping[str, Any]], there: str) -> None:
        entry, found = self._there[there], self._found
        found.delivered += 1
        if wrong := self._wrong_create(records[0], there):
            found.lost += 1
            found.findings += [f"{code} {one} (create)" for one in wrong]
        created = {"code": there, "id": entry["id"]}
        states: list[Wanted] = []
        steps: dict[object, Wanted] = {}
        for n, record in enumerate(records, 1):
            try:
                step = expected_ministry_step(record, created, self._catalogue, self._choices)
                steps.setdefault(record.get("dossierActionId", f"record {n}"), Wanted(n, [], True)).forms.append(step)
                if n > 1 or self._told_at_once:
                    states.append(Wanted(n, [expected_status(record, created, self._catalogue, self._choices)], True))
            except NotAgreed as reason:
                found.lost += 1
                found.say(f"{code} (record {n}): sent, but {reason}")
        judge_lane(found, code, "state", entry["status"], states)
        judge_lane(found, code, "step", entry["progress"], list(steps.values()))

    def _codes(self, whose: Mapping[str, str], unanswered: int) -> None:
        for code, there in whose.items():
            issued = self._issued.get(there)
            if issued is None:
                self._found.say(f"{code}: created under a code that the ministry never issued")
                continue
            procedure = self._catalogue.services.get(str(self._records[code][0].get("serviceCode")))
            if issued["for"] not in (issued["agency"], procedure):
                self._found.say(f"{code}: its code was asked for another procedure")
        unused = sorted(self._issued.keys() - self._there.keys())
        for there in unused[unanswered:]:
            self._found.duplicated += 1
            self._found.say(f"{there}: issued by the ministry and never used, a second code for some dossier")


def _leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_leaves, value.values()))
    return sum(map(_leaves, value)) if isinstance(value, list) else 1
