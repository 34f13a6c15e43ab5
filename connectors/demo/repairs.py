"""The operator of the demo: sees dead letters, finds out why, and repairs them with the shell, as a person would.

* refused by the portal: the source is asked to correct and send again; the newer state heals the dead one.
* known at the portal: it is the same dossier, so the delivery is replayed with ``--adopt``.
* a step in doubt: the portal is asked (a person would call) whether it shows the step: discarded if so, else replayed.
* a mistaken record out of a file: the records office has left it again as it should be, so the mistaken one is given up.
* an unknown code: the row is added to the unit's table as a new version, the hub reloads, the kept arrivals are replayed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.demo.agenda import Agenda
from connectors.demo.filings import UNIT
from connectors.demo.home import add_row
from connectors.demo.hub_process import POLL_SECONDS, HubProcess
from connectors.demo.lines import Line, Lines, by_message, steps_of
from connectors.demo.ministry import NAME as MINISTRY
from connectors.demo.partners import Partners
from connectors.demo.planted import UNKNOWN_ROW
from connectors.demo.planted_files import GIVEN_UP
from connectors.demo.processes import DemoFailed, Place
from connectors.demo.script import Script
from connectors.demo.sender import Keys
from connectors.demo.show import Show


@dataclass(slots=True)
class Repaired:
    """What the operator met and did, to be held against what was planted."""

    refused: int = 0
    known: int = 0
    lost: set[str] = field(default_factory=set)
    shown_by_portal: int = 0
    sent_again: int = 0
    unknown_codes: int = 0
    mistaken: int = 0

    @property
    def in_doubt(self) -> int:
        """Steps that ended as dead letters because nobody could ask the portal."""
        return self.shown_by_portal + self.sent_again


class Operator:
    """``await watch()`` until cancelled; ``early`` is set when the dossiers planted for the morning are in order."""

    def __init__(
        self,
        place: Place,
        script: Script,
        hub: HubProcess,
        partners: Partners,
        agenda: Agenda,
        lines: Lines,
        keys: Keys,
        show: Show,
    ) -> None:
        self._place, self._script, self._show = place, script, show
        self._hub, self._portal, self._ministry = hub, partners.portal, partners.ministry
        self._agenda, self._lines, self._keys = agenda, lines, keys
        self._done: set[tuple[str, int]] = set()
        self.repaired = Repaired()
        self.early = asyncio.Event()

    async def watch(self) -> None:
        """Look at the gauges; when dead letters are there, look at each."""
        seen: tuple[int, int] = (0, 0)
        while True:
            now = (self._hub.seen.get("dead", 0), self._hub.seen.get("open", 0))
            if now[0] and now != seen:
                await self.look()
            seen = now
            await asyncio.sleep(POLL_SECONDS)

    async def look(self) -> None:
        """Repair every dead delivery that is new."""
        letters = [one for one in await self._hub.dead_letters() if one["kind"] == "delivery"]
        fresh = [one for one in letters if (one["delivery"], one["attempts"]) not in self._done]
        doubtful = [one for one in fresh if one.get("code") == "in_doubt"]
        for one in fresh:
            self._done.add((one["delivery"], one["attempts"]))
            code = one["codes"].get("national")
            if one in doubtful or code == self._script.told_code:  # whose sender waits for the answer, and mends it
                continue
            if one["route"] == "ministry-to-local" and one.get("code") == "file_refused":  # its next state is right
                self._show.event(f"the ministry states another file than the one behind its link: {code} is told to nobody")
                continue
            if code == self._script.known_code and one.get("code") == "exists":
                await self._adopt(one)
            elif code == self._script.refused_code:
                await self._have_corrected(one)
            else:
                text = f"dossier {code} has a dead letter that nobody planted: {one.get('code')} {one.get('reason', '')}"
                raise DemoFailed(text)
        if doubtful:
            await self._ask_about(doubtful)
        repaired = self.repaired
        if repaired.refused and repaired.known and len(repaired.lost) == len(self._script.lost_codes):
            self.early.set()

    async def _adopt(self, one: Mapping[str, Any]) -> None:
        await self._hub.command("dead", "replay", one["delivery"], "--latest", "--adopt", "--why", "same dossier, by hand")
        self.repaired.known += 1
        code = self._script.known_code
        self._show.event(f"operator: {code} is known at the portal already, adopted (hub dead replay --adopt)")
        await self._agenda.happened("adopted")

    async def _have_corrected(self, one: Mapping[str, Any]) -> None:
        self.repaired.refused += 1
        self._show.event(
            f"operator: the portal refused {self._script.refused_code} ({one.get('code')}: {one.get('reason')}); "
            "the one-stop shop corrects it and sends it again"
        )
        await self._agenda.happened("refusal seen")

    async def _ask_about(self, doubtful: list[dict[str, Any]]) -> None:
        """Steps whose answer was lost: the route says hold, so a person asks the portal."""
        dossiers = (await self._portal.state())["dossiers"]
        known = by_message(self._lines.all)
        shown: dict[str, bool] = {}
        for one in doubtful:
            code = one["codes"].get("national", "")
            if one["endpoint"] == MINISTRY or code.startswith(UNIT):
                shown[one["delivery"]] = await self._one_more(one, dossiers)
                continue
            line = known.get(one["message"]) or await self._origin(one)
            shown[one["delivery"]] = one["stream"] == "dossier-progress" and _shows(dossiers.get(code, {}), line)
            if code in self._script.lost_codes:  # a second one of that dossier is the outage's or the kill's
                self.repaired.lost.add(code)
        there = [delivery for delivery, is_there in shown.items() if is_there]
        absent = [delivery for delivery, is_there in shown.items() if not is_there]
        await asyncio.gather(
            *(self._hub.command("dead", "discard", one, "--why", "the portal shows the step") for one in there)
        )
        if absent:
            await self._hub.command("dead", "replay", *absent, "--latest", "--why", "the portal does not show the step")
        self.repaired.shown_by_portal += len(there)
        self.repaired.sent_again += len(absent)
        codes = sorted(one["codes"].get("national", "?") for one in doubtful)
        told = f"{codes[0]}{f' and {len(codes) - 1} more' if len(codes) > 1 else ''}"
        self._show.event(
            f"operator: the answer to a step was lost ({told}), asks the portal: "
            f"{len(there)} there and discarded, {len(absent)} not there and replayed"
        )

    async def _one_more(self, one: Mapping[str, Any], at_portal: Mapping[str, Any]) -> bool:
        """Whether the ministry, or the portal of a dossier that was filed there, shows a step more than the hub knows of."""
        held = at_portal.get(one["codes"].get("national", ""), {})
        if one["endpoint"] == MINISTRY:
            held = (await self._ministry.state())["dossiers"].get(one["codes"].get(MINISTRY, ""), {})
        steps = one["stream"] == "dossier-progress"
        return steps and len(held.get("progress", ())) > self._hub.known_there(one["delivery"])

    async def _origin(self, one: Mapping[str, Any]) -> Line:
        """The request of a message that no receipt named: it was kept at first, came in an envelope, or its receipt was lost
        with the hub. The unit still waits for its answer. Who leaves files has no receipts: there it is the dossier's step of
        the same number."""
        code = one["codes"].get("national", "")
        told = steps_of(self._lines.all, code)
        waits = [line for line in told if line.item.way == "portal" and (200, "accepted") not in line.answers]
        if waits:
            return waits[-1]
        for line in self._lines.all:
            if line.item.code != code or not line.arrival or line.item.way not in ("rest", "soap"):
                continue
            arrival = await self._hub.arrival(line.arrival, self._keys.of(line.item))
            if any(message["message"] == one["message"] for message in arrival["messages"]):
                return line
        steps = await self._hub.steps(code)
        if one["message"] in steps and steps.index(one["message"]) < len(told):
            return told[steps.index(one["message"])]
        raise DemoFailed(f"message {one['message']} came from no request of a one-stop shop")

    async def give_mistake_up(self) -> None:
        """Discard the mistaken record; what waits behind it follows by itself."""
        kept = [one for one in await self._hub.dead_letters() if one["kind"] == "arrival"]
        wrong = [one for one in kept if any(problem["at"] == "/counter" for problem in one.get("reasons", []))]
        if len(wrong) != 1:
            raise DemoFailed(f"{len(wrong)} records out of files are kept for a mistake, planted was 1")
        await self._hub.command("dead", "discard", wrong[0]["arrival"], "--why", "the records office has left it corrected")
        self.repaired.mistaken += 1
        self._show.event("operator: the mistaken record is given up (hub dead discard), the corrected one behind it follows")
        await self._agenda.happened(GIVEN_UP)

    async def mend_table(self) -> None:
        """Add the row, reload, and have what was kept taken in again."""
        kept = [one for one in await self._hub.dead_letters() if one["kind"] == "arrival"]
        reasons = [(one, problem["code"]) for one in kept for problem in one.get("reasons", [])]
        first = [one for one, code in reasons if code == "not_in_table"]
        arrivals = list(dict.fromkeys(str(one["arrival"]) for one in first))
        if len(arrivals) != len(self._script.unknown_codes):
            raise DemoFailed(f"{len(arrivals)} are kept for an unknown code, planted were {len(self._script.unknown_codes)}")
        path = add_row(self._place.home, "opencps-states", UNKNOWN_ROW)
        await self._hub.reload()
        pair = "/".join(UNKNOWN_ROW[:2])
        table = f"{path.parent.name}/{path.name}"
        self._show.event(
            f"operator: {len(kept)} kept for the unknown status {pair}; row added in {table}, hub reloaded (SIGHUP)"
        )
        await self._hub.command("dead", "replay", *arrivals, "--why", f"row added for {pair}")
        self.repaired.unknown_codes += len(arrivals)
        self._show.event("operator: what was kept is taken in again, in its order (hub dead replay)")
        await self._agenda.happened("table mended")


def _shows(dossier: Mapping[str, Any], line: Line) -> bool:
    """Whether the portal shows the step that this record told: same time, same person."""
    record = line.item.record or {}
    if line.item.way == "portal":
        told = (record["ThoiDiemXuLy"], record["NguoiXuLy"])
    else:
        at = datetime.strptime(record["lastActionDate"], "%d/%m/%Y %H:%M:%S").strftime("%Y%m%d%H%M%S")
        told = (at, record["lastActionUser"])
    steps = [step["object"] for step in dossier.get("progress", [])]
    return told in [(one.get("ThoiDiemXuLy"), one.get("NguoiXuLy")) for one in steps]
