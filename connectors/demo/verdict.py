"""The end of the demo: holds what was planted against what was counted, tells the findings, and says where to look next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from connectors.demo.check_events import Stream
from connectors.demo.evidence import Verdict
from connectors.demo.lines import Line
from connectors.demo.planted_calls import TO_THE_PORTAL
from connectors.demo.planted_files import TWICE
from connectors.demo.planted_kinds import Planted
from connectors.demo.repairs import Repaired
from connectors.demo.script import Script
from connectors.demo.show import Show

FINDINGS_SHOWN = 40


def compared(script: Script, lines: Sequence[Line], repaired: Repaired, counts: Mapping[str, int]) -> list[Planted]:
    """Every planted kind beside its count.

    ``dead`` is what was planted (refused, known, answers lost; and what the portal refused of the unit's, who was told in the
    answer) and the steps that outage and kill left in doubt, each of which the operator met as a dead letter.
    """
    duplicates = [line for line in lines if line.item.planted == "duplicate" and line.item.way in ("rest", "soap")]
    once_more = [line for line in lines if line.item.planted == "duplicate" and line.item.way == "portal"]
    wrong = [line for line in lines if line.item.planted == "wrong"]
    by_accident = repaired.in_doubt - len(repaired.lost)
    mistaken = [line for line in lines if line.item.planted == "mistaken"]
    refused = sum(line.answered_as_planned() for line in wrong)
    dead = 2 + len(script.lost_codes) + TO_THE_PORTAL + by_accident
    planted, repeats = script.counts, script.counts["duplicate"] - TWICE - len(once_more)
    return [
        Planted("repeats, answered by the first receipt", repeats, sum(_repeated(line) for line in duplicates)),
        Planted("wrong ones, refused with the field named", planted["wrong"], refused),
        Planted("records left in files, one file twice: an arrival each", script.in_files - TWICE, counts["filed"]),
        Planted("a mistaken one in a file, kept, named, left again", planted["mistaken"], _corrected(mistaken, repaired)),
        Planted("kept for an unknown code or a mistake, or behind one", script.kept, counts["kept"]),
        Planted("unknown codes mended and replayed", planted["unknown_code"], repaired.unknown_codes),
        Planted("refused by the portal, healed by a corrected resend", planted["refused_by_portal"], repaired.refused),
        Planted("known at the portal, adopted by the operator", len(script.known), repaired.known),
        Planted("steps whose answer was lost, settled by the operator", len(script.lost_codes), len(repaired.lost)),
        Planted("applicants the registry does not know, not marked", len(script.strangers), counts["not_found"]),
        Planted("applicants it knows by another name, not marked", len(script.renamed), counts["mismatch"]),
        Planted("enterprises the registry does not know", len(script.strange_enterprises), counts["not_found_enterprise"]),
        Planted("enterprises it knows by another name", len(script.renamed_enterprises), counts["mismatch_enterprise"]),
        Planted(f"dead letters, {by_accident} of them left by outage and kill", dead, counts["dead"]),
    ]


def _corrected(mistaken: Sequence[Line], repaired: Repaired) -> int:
    """Of what was kept with its field named, what the operator gave up after it came again."""
    return min(sum(line.answered_as_planned() for line in mistaken), repaired.mistaken)


def _repeated(line: Line) -> bool:
    return (line.item.status, "duplicate") in line.answers


def conclude(
    show: Show, verdict: Verdict, planted: Sequence[Planted], script: Script, home: Path, *, kept: bool, stream: Stream | None
) -> int:
    """Print everything; the last line is the checker's, before it that of the event stream, if there is one. Returns the exit
    code."""
    show.say("\nplanted  counted")
    for one in planted:
        show.say(f"{one.planted:7}  {one.counted:7}  {one.what}", "" if one.holds else "bold red")
    holds = verdict.holds and all(one.holds for one in planted)
    if verdict.findings:
        show.say(
            f"\n{len(verdict.findings)} findings of the checker, from what was sent and what the portal holds:", "bold red"
        )
        for finding in verdict.findings[:FINDINGS_SHOWN]:
            show.say(f"  {finding}", "red")
        if len(verdict.findings) > FINDINGS_SHOWN:
            show.say(f"  and {len(verdict.findings) - FINDINGS_SHOWN} more", "red")
    there = kept or not holds
    shown = str(home) if there else "HOME"
    show.say("\nwhere to look next" + ("" if there else " (hub demo --keep keeps the demo's home and says where it is: HOME)"))
    for code, what in (
        (script.unknown_codes[0], "kept, mended, replayed"),
        (script.refused_code, "refused, then healed"),
        (script.told_code, "refused, and its sender told"),
        (script.lost_codes[0], "a step whose answer was lost"),
    ):
        show.say(f"  {what + ':':32} hub --home {shown} trace {code}")
    show.say(f"  {'the log, a JSON object a line:':32} {shown}/var/hub.log")
    show.say(f"  {'the words, and a first dossier:':32} docs/concepts.md, docs/quickstart.md")
    if stream is not None:
        show.say(stream.line(), "bold red" if stream.findings else "bold green")
    show.say(verdict.line(), "bold green" if holds else "bold red")
    return 0 if holds else 1
