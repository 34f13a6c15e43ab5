"""A hub with one deliberate fault: ``python tests/sabotage/hub.py FAULT [hub arguments …]``.

Each fault must turn the demo red; the tests beside this file prove that it does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from connectors.national_portal.connector import NationalPortal
from hub.cli.main import main
from hub.connector import Receipt
from hub.store import accepting, lanes

_send = NationalPortal.send
_open_in_order = lanes.open_in_order
CHOSEN = "-0040"
"""The dossier whose code ends so is the one that is harmed."""


def _is_chosen(message: Any) -> bool:
    return str(message.codes.get("national", "")).endswith(CHOSEN)


def drops_one() -> None:
    """Says delivered of one state and never sends it."""

    async def send(self: NationalPortal, message: Any, attempt: Any) -> Receipt:
        if _is_chosen(message) and message.seq == 3:
            return Receipt()
        return await _send(self, message, attempt)

    NationalPortal.send = send  # type: ignore[method-assign]


def doubles_one() -> None:
    """Sends one processing step twice."""

    async def send(self: NationalPortal, message: Any, attempt: Any) -> Receipt:
        receipt = await _send(self, message, attempt)
        if _is_chosen(message) and message.seq == 2:
            await _send(self, message, attempt)
        return receipt

    NationalPortal.send = send  # type: ignore[method-assign]


def swaps_two() -> None:
    """Lets the newest of one dossier's waiting messages go first."""
    chosen: set[str] = set()
    carry_out = accepting._carry_out

    def remember(connection: Any, plan: Any, dossier: Any, digests: Any, reasons: Any) -> Any:
        if any(alias.code.endswith(CHOSEN) for alias in plan.aliases):
            chosen.add(dossier.id)
        return carry_out(connection, plan, dossier, digests, reasons)

    def reversed_for_one(connection: Any, dossier_id: str, endpoint: str) -> Any:
        lane = _open_in_order(connection, dossier_id, endpoint)
        return lane[::-1] if dossier_id in chosen else lane

    accepting._carry_out = remember
    lanes.open_in_order = reversed_for_one


def sends_five_as_nine() -> None:
    """Reports a supplement request as finished, as one province really did."""

    async def send(self: NationalPortal, message: Any, attempt: Any) -> Receipt:
        if message.schema.id == "npsp-dossier" and message.body["TrangThaiHoSo"] == "5":
            message.body["TrangThaiHoSo"] = "9"
        return await _send(self, message, attempt)

    NationalPortal.send = send  # type: ignore[method-assign]


FAULTS: dict[str, Callable[[], None]] = {one.__name__: one for one in (drops_one, doubles_one, swaps_two, sends_five_as_nine)}

if __name__ == "__main__":
    FAULTS[sys.argv.pop(1)]()
    sys.exit(main())
