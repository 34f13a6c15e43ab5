"""Judges the demo: compares what the national portal holds with what the senders sent, dossier by dossier, field by field.

Only the sender's record, the portal's state and the hub's published counts come in, as plain data; nothing of the hub, the
mappings or the connector is imported or shared. What each field must be, and which choices there are, stands in ``expected``;
what the hub was told of a record, and whose identity the registry confirms, in ``told``.

A record sent by REST or left in a file tells a state and its step, and the portal must show both. The older one-stop system
sends a record as two SOAP envelopes, the unit that speaks the portal's protocol as two calls: each is a line of its own
(``part``), counts as one that was sent, and makes one expectation, a state or a step, of what it tells; the order is that of
the lines, so a state, its step, the next state, as with REST. Of what the unit sent, the portal must show every field.

* **lost** counts acknowledged states and steps that the portal does not show as they were sent (missing or altered).
* **duplicated** counts states and steps shown more often than sent, and second inserts.
* **out_of_order** counts states and steps shown at another place than sent, steps before their dossier's first insert, and
  states and steps of one dossier that overtook each other (a state, then its step, then the next state).
* **delivered** counts the states and steps of senders that the portal shows.
* ``sent == accepted + refused + kept`` by records: *accepted* includes duplicates answered by the first receipt.
* ``retried``, ``in_doubt``, ``dead``, ``superseded`` and ``kept`` are the hub's own counts since the demo began; the last
  three are held against what was planted.

What was planted, and what it allows:

* ``duplicate``: a repeat of an earlier record, without any effect; answered by the first receipt, where there are receipts (a
  folder has none, and the portal's protocol knows only "done").
* ``wrong``: refused in the answer (4xx, a SOAP fault of the sender's, an error_code), never seen at the portal.
* ``unknown_code``: kept, as are later records of the same dossier; all must be at the portal in the end.
* ``mistaken``: a record in a file that breaks its schema: kept, never seen at the portal. A later one behind it may be kept.
* ``refused_by_portal``: this one state may be missing (superseded while dead), a later record of the dossier must heal it;
  its step must still arrive. Mark every record that the portal refuses.
* ``known_at_portal``: the portal's planted object stays as it was, or (adopted) the dossier ends in its last state with all
  steps; states on the way may be missing.

DSKetNoiCSDL must name the registry in every state whose applicant it holds, and nothing in any other: a mark that is missing
is a loss, one that nobody asked for is invented.

A record without a national code, or answered ``superseded`` for being older than one before it, need not reach the portal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from connectors.demo.alignment import Wanted
from connectors.demo.as_sent import expected_packet
from connectors.demo.evidence import COUNTED, PLANTED, Sent, Verdict
from connectors.demo.expected import Catalogue, Choices, NotAgreed, expected_dossier, expected_step, settled
from connectors.demo.shown import Dossier
from connectors.demo.told import Registry, told

_NOBODY = Registry()
_WITHOUT_EFFECT = ("duplicate", "wrong", "mistaken")
_HOLDS = ("unknown_code", "mistaken")
"""What is kept, and holds what comes after it of its dossier."""


def check(
    sent: Sequence[Sent],
    portal_state: Mapping[str, Any],
    hub_counts: Mapping[str, int],
    catalogue: Catalogue,
    *,
    choices: Choices | None = None,
    registry: Registry = _NOBODY,
    doubtful_progress: int = 0,
    elsewhere: Collection[str] = (),
) -> Verdict:
    """The verdict. ``portal_state`` is the body of ``GET /_control/state``; ``hub_counts`` holds each of ``COUNTED``;
    ``registry`` is who can be verified; ``doubtful_progress`` is how many repeated steps the hub announced as in doubt and
    sent again; ``elsewhere`` are codes at the portal that another checker judges (``check_filed``).

    Raises ValueError when a count is missing, a planted kind or choice is unknown, or two records share an ``n``."""
    if absent := [name for name in COUNTED if name not in hub_counts]:
        raise ValueError(f"hub_counts lacks {absent}")
    if unknown := sorted({one.planted for one in sent if one.planted} - set(PLANTED)):
        raise ValueError(f"unknown planted kinds {unknown}")
    if len({one.n for one in sent}) != len(sent):
        raise ValueError("two records of the sender share their n")
    lines = sorted(sent, key=lambda one: one.n)
    judgement = _Judgement(lines, portal_state, hub_counts, catalogue, settled(choices or {}), registry, elsewhere)
    return judgement.verdict(doubtful_progress)


class _Judgement:
    def __init__(
        self, sent: list[Sent], portal: Mapping[str, Any], hub_counts: Mapping[str, int], catalogue: Catalogue,
        choices: Choices, registry: Registry, elsewhere: Collection[str],
    ) -> None:  # fmt: skip
        self._sent = sent
        self._portal: Mapping[str, Any] = portal["dossiers"]
        self._hub = hub_counts
        self._catalogue = catalogue
        self._choices = choices
        self._registry = registry
        self._elsewhere = elsewhere
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
            if one.planted not in _WITHOUT_EFFECT and one.outcome != "refused" and one.record is not None:
                dossiers.setdefault(one.reference_uid, []).append(one)
        owners: dict[str, str] = {}
        for uid, records in dossiers.items():
            codes = list(dict.fromkeys(one.code for one in records if one.code))
            for code in codes:
                if owners.setdefault(code, uid) != uid:
                    self._found.say(f"{code}: sent under two referenceUids, cannot be told apart")
            if len(codes) > 1:
                self._found.say(f"{codes[0]}: sent under {len(codes)} codes, cannot be followed")
            elif codes:
                self._dossier(codes[0], records)
        for code, entry in self._portal.items():
            if code in self._elsewhere:
                continue
            if code not in owners and (entry["progress"] or any(one["kind"] != "planted" for one in entry["history"])):
                self._found.say(f"{code}: at the portal, but no acknowledged record has this code")
        self._counts_as_planned()
        excused = min(doubtful_progress, len(self._repeated_steps))
        if doubtful_progress > self._hub["in_doubt"]:
            self._found.say(f"{doubtful_progress} steps are excused as in doubt, the hub had {self._hub['in_doubt']} in doubt")
        self._found.duplicated += len(self._repeated_steps) - excused
        self._found.findings += self._repeated_steps[excused:]
        return self._found

    def _answer_as_planned(self, one: Sent) -> None:
        who, outcome = f"{one.code or 'no code'} (record {one.n})", one.outcome
        if outcome == "unanswered":
            self._found.say(f"{who}: never had a final answer")
        elif one.planted == "wrong" and outcome != "refused":
            self._found.say(f"{who}: planted wrong, but {outcome}")
        elif one.planted != "wrong" and outcome == "refused":
            self._found.say(f"{who}: refused, though nothing was wrong with it")
        elif one.planted == "mistaken" and outcome != "kept":
            self._found.say(f"{who}: planted mistaken, but {outcome}")
        elif one.planted == "duplicate" and one.way in ("folder", "portal"):
            if outcome != "accepted":
                self._found.say(f"{who}: told again, but {outcome}")
        elif one.planted == "duplicate" and not any(state == "duplicate" for status, state in one.answers if status < 300):
            self._found.say(f"{who}: planted duplicate, not answered by the first receipt")
        firsts = (other for other in self._sent if other.n < one.n and other.planted not in _WITHOUT_EFFECT)
        earlier = ((other.record, other.part) for other in firsts)
        if one.planted == "duplicate" and (one.record, one.part) not in earlier:
            self._found.say(f"{who}: planted duplicate of no earlier record")

    def _dossier(self, code: str, records: list[Sent]) -> None:
        entry = self._portal.get(code) or {"current": None, "history": [], "progress": []}
        it = Dossier(code, records, entry, *self._wanted(code, records), self._found)
        it.judge()
        self._repeated_steps += it.repeated_steps
        self._replaced += it.replaced
        self._maybe_replaced += it.maybe_replaced

    def _wanted(self, code: str, records: list[Sent]) -> tuple[list[Wanted], list[Wanted]]:
        states: list[Wanted] = []
        steps: dict[object, Wanted] = {}
        newest = ""
        known = any(one.planted == "known_at_portal" for one in records)
        for place, one in enumerate(records):
            record = (one.record or {}) if one.way == "portal" else told(one.record or {}, one.part)
            version = _sortable(record.get("modifiedDate"))
            late, newest = version < newest, max(newest, version)
            if one.outcome == "superseded" and (not late or one.part == "step"):
                self._found.say(f"{code} (record {one.n}): superseded at the door, though no newer one came before it")
            try:
                state, step = self._expected(one, record, code)
            except NotAgreed as reason:
                self._found.lost += one.outcome in ("accepted", "kept")
                self._found.say(f"{code} (record {one.n}): {one.outcome}, but {reason}")
                continue
            refused = one.planted == "refused_by_portal"
            due = bool(one.code) and one.outcome in ("accepted", "kept")
            if refused and not any(_heals(other) for other in records[place + 1 :]):
                self._found.say(f"{code} (record {one.n}): refused by the portal and never healed by a later record")
            if state is not None and one.outcome == "superseded":
                self._replaced += 1
            elif state is not None:
                states.append(Wanted(one.n, [state], due and not refused and not known, refused and due))
            if step is not None:
                same = steps.setdefault(record.get("dossierActionId", f"record {one.n}"), Wanted(one.n, [], False))
                same.forms.append(step)
                same.required = same.required or due
        return states, list(steps.values())

    def _expected(self, one: Sent, record: Mapping[str, Any], code: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """The state and the step that the portal must show of it. Raises NotAgreed."""
        if one.way == "portal":
            packet = expected_packet(record, one.part, self._catalogue, self._registry)
            return (packet, None) if one.part == "state" else (None, packet)
        consulted, state, step = self._registry.consulted(record), None, None
        if one.part != "step":
            state = expected_dossier(record, code, self._catalogue, self._choices, consulted)
        if one.part != "state":
            step = expected_step(record, code, self._catalogue, self._choices)
        return state, step

    def _counts_as_planned(self) -> None:
        kept = {one.n for one in self._sent if one.outcome == "kept" or one.planted == "unknown_code"}
        holding = {one.reference_uid: one.n for one in reversed(self._sent) if one.planted in _HOLDS}
        for one in self._sent:
            if one.planted == "unknown_code" and ("kept" not in (state for _, state in one.answers)):
                if one.outcome != "accepted" or all(state != "duplicate" for _, state in one.answers):
                    self._found.say(f"{one.code or 'no code'} (record {one.n}): planted unknown_code, but {one.outcome}")
            elif one.outcome == "kept" and one.n < holding.get(one.reference_uid, one.n + 1):
                self._found.say(f"{one.code or 'no code'} (record {one.n}): kept, though nothing is wrong with it")
        unsure = [
            one for one in self._sent
            if one.n not in kept and one.planted != "duplicate" and one.n > holding.get(one.reference_uid, one.n)
            and {state for status, state in one.answers if 200 <= status < 300} == {"duplicate"}
        ]  # fmt: skip
        # a kept record of which the sender saw only the second receipt: that of one that was accepted looks no different
        self._between("kept", len(kept), len(kept) + len(unsure))
        self._found.accepted -= min(max(0, self._hub["kept"] - len(kept)), len(unsure))
        wrong = sum(one.planted == "wrong" for one in self._sent)
        if self._found.refused != wrong:
            self._found.say(f"refused={self._found.refused}, planted wrong are {wrong}")
        kinds = ("refused_by_portal", "known_at_portal")
        mortal = [{one.reference_uid for one in self._sent if one.planted == kind} for kind in kinds]
        self._between("dead", sum(map(len, mortal)), None)
        self._between("superseded", self._replaced, self._replaced + self._maybe_replaced)

    def _between(self, name: str, least: int, most: int | None) -> None:
        if self._hub[name] < least or (most is not None and self._hub[name] > most):
            wanted = f"at least {least}" if most is None else str(least) if most == least else f"{least} to {most}"
            self._found.say(f"the hub counts {name}={self._hub[name]}, what was planted makes it {wanted}")


def _heals(one: Sent) -> bool:
    return one.planted != "refused_by_portal" and one.part != "step" and one.outcome in ("accepted", "kept")


def _sortable(date: object) -> str:
    text = str(date or "")
    return text[6:10] + text[3:5] + text[:2] + text[11:] if "/" in text else text
