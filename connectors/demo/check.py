"""Judges the demo: compares what the national portal holds with what the senders sent, dossier by dossier, field by field.

Only the sender's record, the portal's state and the hub's published counts come in, as plain data; nothing of the hub, the
mappings or the connector is imported or shared. What each field must be, and which choices there are, stands in ``expected``.

* **lost** counts acknowledged states and steps that the portal does not show as they were sent (missing or altered).
* **duplicated** counts states and steps shown more often than sent, and second inserts.
* **out_of_order** counts states and steps shown at another place than sent, steps before their dossier's first insert, and
  states and steps of one dossier that overtook each other (a state, then its step, then the next state).
* **delivered** counts the states and steps of senders that the portal shows.
* ``sent == accepted + refused + kept`` by records: *accepted* includes duplicates answered by the first receipt.
* ``retried``, ``in_doubt``, ``dead``, ``superseded`` and ``kept`` are the hub's own counts since the demo began; the last
  three are held against what was planted.

What was planted, and what it allows:

* ``duplicate``: a repeat of an earlier record; answered by the first receipt, without any effect.
* ``wrong``: refused at the door (4xx), never seen at the portal.
* ``unknown_code``: kept, as are later records of the same dossier; all must be at the portal in the end.
* ``refused_by_portal``: this one state may be missing (superseded while dead), a later record of the dossier must heal it;
  its step must still arrive. Mark every record that the portal refuses.
* ``known_at_portal``: the portal's planted object stays as it was, or (adopted) the dossier ends in its last state with all
  steps; states on the way may be missing.

A record without a national code, or answered ``superseded`` for being older than one before it, need not reach the portal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.demo.alignment import Comparison, Wanted, compared
from connectors.demo.expected import Catalogue, Choices, NotAgreed, expected_dossier, expected_step, settled

PLANTED = ("duplicate", "wrong", "unknown_code", "refused_by_portal", "known_at_portal")
COUNTED = ("kept", "retried", "in_doubt", "dead", "superseded")
_TRY_AGAIN = (408, 425, 429)


@dataclass
class Sent:
    """One line of the senders' record, appended when the sender has its answer.

    ``n`` is the order of sending; ``record`` the OpenCPS JSON as sent, None for a body that was not JSON; ``answers`` HTTP
    status and receipt state (or problem kind) of each try, status 0 for a try without answer.
    """

    n: int
    code: str | None
    reference_uid: str
    record: dict[str, Any] | None
    key: str
    planted: str | None
    answers: list[tuple[int, str]]

    @property
    def outcome(self) -> str:
        """What the sender may rely on: accepted, kept, superseded, refused, or unanswered."""
        states = [state for status, state in self.answers if 200 <= status < 300]
        for state in ("kept", "superseded"):
            if state in states:
                return state
        if states:
            return "accepted"
        status = self.answers[-1][0] if self.answers else 0
        return "refused" if 400 <= status < 500 and status not in _TRY_AGAIN else "unanswered"


@dataclass
class Verdict:
    """The counts of the last line and what is wrong, where: dossier codes and field names, never a person's value."""

    sent: int = 0
    accepted: int = 0
    refused: int = 0
    kept: int = 0
    delivered: int = 0
    retried: int = 0
    in_doubt: int = 0
    dead: int = 0
    superseded: int = 0
    lost: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether the demo may exit 0."""
        return not (self.lost or self.duplicated or self.out_of_order or self.findings)

    def line(self) -> str:
        """The demo's last line."""
        counts = {name: value for name, value in vars(self).items() if name != "findings"}
        return "demo: " + " ".join(f"{name}={value}" for name, value in counts.items())


def check(
    sent: Sequence[Sent],
    portal_state: Mapping[str, Any],
    hub_counts: Mapping[str, int],
    catalogue: Catalogue,
    *,
    choices: Choices | None = None,
    doubtful_progress: int = 0,
) -> Verdict:
    """The verdict. ``portal_state`` is the body of ``GET /_control/state``; ``hub_counts`` holds each of ``COUNTED``;
    ``doubtful_progress`` is how many repeated steps the hub announced as in doubt and sent again.

    Raises ValueError when a count is missing, a planted kind or choice is unknown, or two records share an ``n``."""
    if absent := [name for name in COUNTED if name not in hub_counts]:
        raise ValueError(f"hub_counts lacks {absent}")
    if unknown := sorted({one.planted for one in sent if one.planted} - set(PLANTED)):
        raise ValueError(f"unknown planted kinds {unknown}")
    if len({one.n for one in sent}) != len(sent):
        raise ValueError("two records of the sender share their n")
    judgement = _Judgement(sorted(sent, key=lambda one: one.n), portal_state, hub_counts, catalogue, settled(choices or {}))
    return judgement.verdict(doubtful_progress)


@dataclass
class _Dossier:
    """One dossier: the records that were sent of it, and how states and steps at the portal compare with them."""

    code: str
    records: list[Sent]
    entry: Mapping[str, Any]
    states: list[Wanted]
    steps: list[Wanted]
    of_states: Comparison = field(default_factory=Comparison)
    of_steps: Comparison = field(default_factory=Comparison)

    def planted_as(self, *kinds: str) -> bool:
        return any(one.planted in kinds for one in self.records)

    @property
    def history(self) -> list[Any]:
        """The states at the portal that came from a sender."""
        return [one for one in self.entry["history"] if one["kind"] != "planted"]


class _Judgement:
    def __init__(
        self, sent: list[Sent], portal: Mapping[str, Any], hub_counts: Mapping[str, int], catalogue: Catalogue, choices: Choices
    ) -> None:
        self._sent = sent
        self._portal: Mapping[str, Any] = portal["dossiers"]
        self._hub = hub_counts
        self._catalogue = catalogue
        self._choices = choices
        self._repeated_steps: list[str] = []
        self._replaced = self._maybe_replaced = 0
        outcomes = ["kept" if (one.planted, one.outcome) == ("unknown_code", "accepted") else one.outcome for one in sent]
        self._found = Verdict(
            sent=len(sent),
            accepted=outcomes.count("accepted") + outcomes.count("superseded"),
            refused=outcomes.count("refused"),
        )
        for name in COUNTED:
            setattr(self._found, name, hub_counts[name])

    def verdict(self, doubtful_progress: int) -> Verdict:
        dossiers: dict[str, list[Sent]] = {}
        for one in self._sent:
            self._answer_as_planned(one)
            if one.planted not in ("duplicate", "wrong") and one.outcome != "refused" and one.record is not None:
                dossiers.setdefault(one.reference_uid, []).append(one)
        owners: dict[str, str] = {}
        for uid, records in dossiers.items():
            codes = list(dict.fromkeys(one.code for one in records if one.code))
            for code in codes:
                if owners.setdefault(code, uid) != uid:
                    self._say(f"{code}: sent under two referenceUids, cannot be told apart")
            if len(codes) > 1:
                self._say(f"{codes[0]}: sent under {len(codes)} codes, cannot be followed")
            elif codes:
                self._dossier(codes[0], records)
        for code, entry in self._portal.items():
            if code not in owners and (entry["progress"] or any(one["kind"] != "planted" for one in entry["history"])):
                self._say(f"{code}: at the portal, but no acknowledged record has this code")
        self._counts_as_planned()
        excused = min(doubtful_progress, len(self._repeated_steps))
        if doubtful_progress > self._hub["in_doubt"]:
            self._say(f"{doubtful_progress} steps are excused as in doubt, the hub had {self._hub['in_doubt']} in doubt")
        self._found.duplicated += len(self._repeated_steps) - excused
        self._found.findings += self._repeated_steps[excused:]
        return self._found

    def _say(self, finding: str) -> None:
        self._found.findings.append(finding)

    def _answer_as_planned(self, one: Sent) -> None:
        who, outcome = f"{one.code or 'no code'} (record {one.n})", one.outcome
        if outcome == "unanswered":
            self._say(f"{who}: never had a final answer")
        elif one.planted == "wrong" and outcome != "refused":
            self._say(f"{who}: planted wrong, but {outcome}")
        elif one.planted != "wrong" and outcome == "refused":
            self._say(f"{who}: refused, though nothing was wrong with it")
        elif one.planted == "duplicate" and not any(state == "duplicate" for status, state in one.answers if status < 300):
            self._say(f"{who}: planted duplicate, not answered by the first receipt")
        first = ("duplicate", "wrong")
        earlier = (other.record for other in self._sent if other.n < one.n and other.planted not in first)
        if one.planted == "duplicate" and one.record not in earlier:
            self._say(f"{who}: planted duplicate of no earlier record")

    def _dossier(self, code: str, records: list[Sent]) -> None:
        entry = self._portal.get(code) or {"current": None, "history": [], "progress": []}
        it = _Dossier(code, records, entry, *self._wanted(code, records))
        known = it.planted_as("known_at_portal")
        if not known and not it.history and not entry["progress"]:
            lost = [sum(one.required for one in wanted) for wanted in (it.states, it.steps)]
            if any(lost):
                self._found.lost += sum(lost)
                self._say(f"{code}: not at the portal at all, {lost[0]} states and {lost[1]} steps are lost")
            return
        it.of_states = compared([one["object"] for one in it.history], it.states)
        if known and not self._adopted(it):
            for step in it.steps:
                step.required = False
        it.of_steps = compared([one["object"] for one in entry["progress"]], it.steps)
        self._report(code, "state", it.of_states, it.states)
        self._report(code, "step", it.of_steps, it.steps)
        self._repeats(it)
        self._overtaken(it)
        self._final(it)

    def _wanted(self, code: str, records: list[Sent]) -> tuple[list[Wanted], list[Wanted]]:
        states: list[Wanted] = []
        steps: dict[object, Wanted] = {}
        newest = ""
        known = any(one.planted == "known_at_portal" for one in records)
        for place, one in enumerate(records):
            record = one.record or {}
            version = _sortable(record.get("modifiedDate"))
            late, newest = version < newest, max(newest, version)
            if one.outcome == "superseded" and not late:
                self._say(f"{code} (record {one.n}): superseded at the door, though no newer one came before it")
            try:
                state = expected_dossier(record, code, self._catalogue, self._choices)
                step = expected_step(record, code, self._catalogue, self._choices)
            except NotAgreed as reason:
                self._found.lost += one.outcome in ("accepted", "kept")
                self._say(f"{code} (record {one.n}): {one.outcome}, but {reason}")
                continue
            refused = one.planted == "refused_by_portal"
            told = bool(one.code) and one.outcome in ("accepted", "kept")
            if refused and not any(
                other.planted != "refused_by_portal" and other.outcome in ("accepted", "kept") for other in records[place + 1 :]
            ):
                self._say(f"{code} (record {one.n}): refused by the portal and never healed by a later record")
            if one.outcome == "superseded":
                self._replaced += 1
            else:
                states.append(Wanted(one.n, [state], told and not refused and not known, refused and told))
            action = record.get("dossierActionId", f"record {one.n}")
            same = steps.setdefault(action, Wanted(one.n, [], False))
            same.forms.append(step)
            same.required = same.required or told
        return states, list(steps.values())

    def _adopted(self, it: _Dossier) -> bool:
        """Whether the hub took over a dossier that the portal knew; if not, the portal's own object must still be there."""
        code, found, states = it.code, it.of_states, it.states
        planted = [one["object"] for one in it.entry["history"] if one["kind"] == "planted"]
        if not planted:
            self._say(f"{code}: planted as known at the portal, but the portal never knew it by itself")
        adopted = bool(found.met or found.displaced or found.altered)
        if adopted and states:
            states[-1].required = True
            if len(states) - 1 in found.missing:
                self._found.lost += 1
                self._say(f"{code}: taken over, but its last state is missing")
        elif planted and it.entry["current"] != planted[-1]:
            self._say(f"{code}: the portal's own object was changed")
        self._maybe_replaced += len(found.missing)
        found.missing.clear()
        return adopted

    def _report(self, code: str, what: str, found: Comparison, wanted: list[Wanted]) -> None:
        self._found.delivered += len(found.met) + len(found.displaced) + len(found.altered)
        for _, place in found.displaced:
            self._found.out_of_order += 1
            self._say(f"{code}: {what} of record {wanted[place].n} is at another place than it was sent")
        for _, place, wrong in found.altered:
            self._found.lost += 1
            self._found.findings += [f"{code} {one} ({what} of record {wanted[place].n})" for one in wrong]
        for place in found.missing:
            if wanted[place].required:
                self._found.lost += 1
                self._say(f"{code}: {what} of record {wanted[place].n} is missing")
            elif what == "state":
                self._replaced += wanted[place].replaceable
                self._maybe_replaced += not wanted[place].replaceable
        for _ in found.strange:
            self._say(f"{code}: a {what} that nobody sent")

    def _repeats(self, it: _Dossier) -> None:
        code, history = it.code, it.history
        for place in it.of_states.repeated:
            self._found.duplicated += 1
            self._say(f"{code}: a state is applied twice")
            beside = [one["object"] for one in (*history[max(place - 1, 0) : place], *history[place + 1 : place + 2])]
            if history[place]["object"] not in beside:
                self._found.out_of_order += 1
                self._say(f"{code}: an old state came again after a newer one")
        self._repeated_steps += [f"{code}: a step is there twice" for _ in it.of_steps.repeated]
        planted = len(history) < len(it.entry["history"])
        inserts = [place for place, one in enumerate(history) if one["kind"] == "insert"]
        for place in inserts if planted else inserts[1:]:
            if place not in it.of_states.repeated:
                self._found.duplicated += 1
                self._say(f"{code}: inserted twice")

    def _overtaken(self, it: _Dossier) -> None:
        code, history, progress = it.code, it.history, it.entry["progress"]
        first = next((one["seq"] for one in history if one["kind"] == "insert"), None)
        early = {place for place, one in enumerate(progress) if first is not None and one["seq"] < first}
        for _ in early:
            self._found.out_of_order += 1
            self._say(f"{code}: a step is there before the dossier's first insert")
        if it.planted_as("refused_by_portal", "known_at_portal"):
            return  # a replaced state leaves its step behind
        effects = [(history[shown]["seq"], it.states[place].n, "state") for shown, place in it.of_states.met]
        steps = [(shown, place) for shown, place in it.of_steps.met if shown not in early]
        effects += [(progress[shown]["seq"], it.steps[place].n, "step") for shown, place in steps]
        newest = (0, "")
        for _, n, what in sorted(effects):
            if (n, what) < newest:
                self._found.out_of_order += 1
                self._say(f"{code}: {what} of record {n} was overtaken")
            newest = max(newest, (n, what))

    def _final(self, it: _Dossier) -> None:
        code, states, current = it.code, it.states, it.entry["current"]
        if not it.history:
            return
        if current != it.history[-1]["object"]:
            self._say(f"{code}: what the portal holds is not what it took last")
        last = next((place for place in reversed(range(len(states))) if states[place].required), None)
        altered = [place for _, place, _ in it.of_states.altered]
        if last is None or last in it.of_states.missing or last in altered:
            return
        wrong = min((one.wrong(current or {}) for one in states[last:]), key=len)
        self._found.findings += [f"{code} {one} (final state)" for one in wrong]

    def _counts_as_planned(self) -> None:
        kept = {one.n for one in self._sent if one.outcome == "kept" or one.planted == "unknown_code"}
        unknown = {one.reference_uid: one.n for one in reversed(self._sent) if one.planted == "unknown_code"}
        for one in self._sent:
            if one.planted == "unknown_code" and ("kept" not in (state for _, state in one.answers)):
                if one.outcome != "accepted" or all(state != "duplicate" for _, state in one.answers):
                    self._say(f"{one.code or 'no code'} (record {one.n}): planted unknown_code, but {one.outcome}")
            elif one.outcome == "kept" and one.n < unknown.get(one.reference_uid, one.n + 1):
                self._say(f"{one.code or 'no code'} (record {one.n}): kept, though its codes are known")
        unsure = [
            one for one in self._sent
            if one.n not in kept and one.planted != "duplicate" and one.n > unknown.get(one.reference_uid, one.n)
            and any(state == "duplicate" for _, state in one.answers)
        ]  # fmt: skip
        # a kept record of which the sender saw only the second receipt
        self._between("kept", len(kept), len(kept) + len(unsure))
        wrong = sum(one.planted == "wrong" for one in self._sent)
        if self._found.refused != wrong:
            self._say(f"refused={self._found.refused}, planted wrong are {wrong}")
        mortal = [{one.reference_uid for one in self._sent if one.planted == kind} for kind in PLANTED[3:]]
        self._between("dead", sum(map(len, mortal)), None)
        self._between("superseded", self._replaced, self._replaced + self._maybe_replaced)

    def _between(self, name: str, least: int, most: int | None) -> None:
        if self._hub[name] < least or (most is not None and self._hub[name] > most):
            wanted = f"at least {least}" if most is None else str(least) if most == least else f"{least} to {most}"
            self._say(f"the hub counts {name}={self._hub[name]}, what was planted makes it {wanted}")


def _sortable(date: object) -> str:
    text = str(date or "")
    return text[6:10] + text[3:5] + text[:2] + text[11:] if "/" in text else text
