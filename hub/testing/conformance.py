"""Examines a connector: the contract without faults, then every fault at every call; a report of what holds and what does not.

    report = asyncio.run(examine("national-portal"))

Nothing outside a scratch folder is written and nobody but the specimen's own simulator, on loopback, is called. What cannot
be told of a connector is in the report as such, with the reason: nothing passes by being left out.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from hub.config import validation_problems
from hub.connector import Connector, load_connector
from hub.errors import BadConfig
from hub.testing.bench import Subject, make
from hub.testing.caller_faults import CALLER_FAULTS
from hub.testing.caller_runs import CallerCase, caller_runs
from hub.testing.conformance_contract import CONTRACT, DoesNotApply
from hub.testing.conformance_listening import CALLER_RULES, broken_by_callers, why_not_told
from hub.testing.conformance_receiving import RECEIVING
from hub.testing.conformance_roles import ROLES
from hub.testing.conformance_rules import RULES, broken, guesses
from hub.testing.fault_runs import Case, clean_runs, fault_runs
from hub.testing.overheard import Overheard, overhearing, secrets_in
from hub.testing.specimen import Specimen, load_specimen
from hub.testing.watched_calls import sleeps_are_seen
from hub.testing.wire_faults import FAULTS

Verdict = Literal["holds", "broken", "not told"]
_SHOWN_BREACHES = 5
_LONGEST_CHECK = 300.0
"""Seconds: a check that takes longer stands still; a slow machine gets through."""
ENOUGH_FAULTS = 24
"""So many faults must really have struck a connector that speaks HTTP."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, what must hold, whether it does, and why not or why it cannot be told."""

    check: str
    says: str
    verdict: Verdict
    why: str = ""


@dataclass(frozen=True, slots=True)
class Played:
    """One fault: how often it struck, and what the connector said of it, by word."""

    fault: str
    says: str
    struck: int
    told: dict[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found of a connector."""

    connector: str
    findings: tuple[Finding, ...]
    faults: tuple[Played, ...]
    calls: tuple[Played, ...]
    """Faults of who calls a listener."""
    seconds: float

    @property
    def broken(self) -> list[Finding]:
        return [one for one in self.findings if one.verdict == "broken"]

    def finding(self, check: str) -> Finding:
        """What was found of one check."""
        return next(one for one in self.findings if one.check == check)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "broken": [one.check for one in self.broken]}


_NO_CANARY = ("says_nothing_personal", "no value of a person and no secret is logged, printed, raised, shown or put on record")
_PLAYED = ("every_fault_strikes", f"at least {ENOUGH_FAULTS} faults really struck it")
_CHECKED = (*CONTRACT, *ROLES, *RECEIVING)
CHECKS: tuple[str, ...] = (
    *(one.__name__ for one in _CHECKED), *(one.name for one in CALLER_RULES), *(one.name for one in RULES), _NO_CANARY[0],
    _PLAYED[0],
)  # fmt: skip
"""The names of all checks, in the order of the report."""


async def examine(
    name: str, *, kind: type[Connector[Any]] | None = None, specimen: Specimen | None = None, everywhere: bool = True
) -> Report:
    """Examine an installed connector, or this class with this specimen. Raises BadConfig when there is none of the name.

    ``everywhere`` False plays each fault at two of the calls, not at every one: a look, no proof.
    """
    kind, specimen = kind or load_connector(name), specimen or load_specimen(name)
    began = time.monotonic()
    quiet = logging.getLogger("asyncio")
    level = quiet.level
    with tempfile.TemporaryDirectory(prefix="hub-conformance-", ignore_cleanup_errors=True) as folder:
        subject = Subject(name, kind, specimen, Path(folder), everywhere)
        _usable(subject)
        try:
            with overhearing() as heard, sleeps_are_seen():
                subject = replace(subject, warned=heard.warned)
                findings = [await _told(check, subject, heard) for check in _CHECKED]
                called = await caller_runs(subject)
                clean = await clean_runs(subject)
                cases = await fault_runs(subject, clean, " ".join(specimen.personal)) if specimen.simulator else []
        finally:
            quiet.setLevel(level)
        findings += [*_ruled_by_callers(called, subject), *_ruled(cases, subject)]
        findings += [_nothing_personal(cases, called, subject, heard, [one.told for one in clean]), _struck(cases, specimen)]
    return Report(name, tuple(findings), tuple(_played(cases)), tuple(_called(called)), round(time.monotonic() - began, 1))


def _usable(subject: Subject) -> None:
    """Raises BadConfig when the connector does not take the specimen's settings at all."""
    try:
        make(subject, "http://127.0.0.1:9", subject.folder)
    except ValidationError as error:
        raise BadConfig(validation_problems(error, lambda *_: "specimen", ("settings",))) from None


async def _told(check: Any, subject: Subject, heard: Overheard) -> Finding:
    says = " ".join(str(check.__doc__).split())
    try:
        async with asyncio.timeout(_LONGEST_CHECK):
            breaches = await check(subject)
    except DoesNotApply as reason:
        return Finding(check.__name__, says, "not told", str(reason))
    except Exception as error:
        heard.error("an error", error)
        return Finding(check.__name__, says, "broken", f"it ended with {type(error).__name__}")
    return _finding(check.__name__, says, breaches)


def _finding(name: str, says: str, breaches: Sequence[str]) -> Finding:
    more = f"; and {len(breaches) - _SHOWN_BREACHES} more" if len(breaches) > _SHOWN_BREACHES else ""
    return Finding(name, says, "broken" if breaches else "holds", "; ".join(breaches[:_SHOWN_BREACHES]) + more)


def _ruled_by_callers(cases: Sequence[CallerCase], subject: Subject) -> list[Finding]:
    untold = why_not_told(subject, cases)
    if untold is not None:
        return [Finding(rule.name, rule.says, "not told", untold) for rule in CALLER_RULES]
    return [_finding(rule.name, rule.says, broken_by_callers(rule, cases)) for rule in CALLER_RULES]


def _ruled(cases: Sequence[Case], subject: Subject) -> list[Finding]:
    found = []
    for rule in RULES:
        told, breaches = broken(rule, cases)
        if told:
            finding = _finding(rule.name, rule.says, breaches)
            unsure = "; ".join(f"{what}: the partner cannot be asked" for what in guesses(cases))
            if rule.name == "once_in_effect" and not breaches and unsure:
                finding = Finding(rule.name, rule.says, "holds", f"but not of what was in doubt here: {unsure}")
        else:
            why = "no HTTP" if subject.specimen.simulator is None else "nothing of the kind is sent or asked"
            finding = Finding(rule.name, rule.says, "not told", why)
        found.append(finding)
    return found


def _nothing_personal(
    cases: Sequence[Case], called: Sequence[CallerCase], subject: Subject, heard: Overheard, clean: Sequence[Any]
) -> Finding:
    connector = make(subject, "http://127.0.0.1:9", subject.folder)
    for told, where in [(one.told, f"the error or receipt of {one.where}") for one in cases] + [
        (one, "the receipt of a sample") for one in clean if one is not None
    ]:
        heard.error(where, told.error)
        if told.end == "well" and hasattr(told.value, "warnings"):
            heard.note(where, repr(told.value))
    heard.note("repr of the settings", repr(connector.config))
    heard.note("repr of the connector", repr(connector))
    shown: set[str] = set().union(*(one.secrets for one in called))
    return _finding(*_NO_CANARY, heard.breaches([*subject.specimen.personal, *secrets_in(connector.config), *shown]))


def _struck(cases: Sequence[Case], specimen: Specimen) -> Finding:
    if specimen.simulator is None or not (specimen.samples or specimen.queries):
        return Finding(*_PLAYED, "not told", "no HTTP" if specimen.simulator is None else "nothing is sent or asked")
    if not cases:
        return Finding(*_PLAYED, "broken", "no sample or question goes well with a call to the partner")
    struck = {one.fault.name for one in cases if one.struck}
    missing = [one.name for one in FAULTS if one.name not in struck]
    return _finding(*_PLAYED, [f"only {len(struck)}; not {', '.join(missing)}"] if len(struck) < ENOUGH_FAULTS else [])


def _called(cases: Sequence[CallerCase]) -> list[Played]:
    found = []
    for fault in CALLER_FAULTS:
        mine = [one for one in cases if one.fault is fault]
        found.append(Played(fault.name, fault.says, len(mine), dict(Counter(", ".join(one.words) for one in mine))))
    return found


def _played(cases: Sequence[Case]) -> list[Played]:
    return [
        Played(
            fault.name, fault.says, sum(one.struck for one in cases if one.fault is fault),
            dict(Counter(one.told.end for one in cases if one.fault is fault and one.struck)),
        )
        for fault in FAULTS
    ]  # fmt: skip
