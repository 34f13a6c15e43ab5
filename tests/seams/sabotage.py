"""Hubs that break the promise on purpose, so that the proofs can be seen to fail: each changes one thing and runs the rest."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from events import halts as events
from kafka import halts as topics


def no_sync() -> None:
    """SQLite told not to sync: a commit returns while it is in the page cache only."""
    from sqlalchemy import event

    import hub.store.sql as sql

    honest = sql.open_engine

    def opened(*given: Any, **named: Any) -> Any:
        engine = honest(*given, **named)
        event.listen(engine, "connect", lambda dbapi, _record: dbapi.execute("PRAGMA synchronous=OFF"))
        return engine

    sql.open_engine = opened


def early_answer() -> None:
    """The receipt is given before the message is stored; it is stored a moment later."""
    from hub.store.sql import SqlStore

    honest = SqlStore.accept

    async def accept(self: Any, plan: Any) -> tuple[dict[str, Any], bool]:
        loop = asyncio.get_running_loop()
        later = loop.call_later(0.02, lambda: loop.create_task(honest(self, plan)))
        assert not later.cancelled()
        receipt = {"arrival": plan.arrival.id, "state": "accepted", "correlation_id": plan.arrival.correlation_id}
        return {**receipt, "messages": []}, False

    SqlStore.accept = accept  # type: ignore[method-assign,assignment]


CHOSEN = "-0003"
"""The dossier whose code ends so is the one that is harmed."""


def _harm(change: Callable[[Any, Any, Any, Any], Any]) -> None:
    """Put ``change(honest, connector, message, attempt)`` in the place of the portal connector's ``send``."""
    from connectors.national_portal.connector import NationalPortal

    honest = NationalPortal.send

    async def send(self: Any, message: Any, attempt: Any) -> Any:
        return await change(honest, self, message, attempt)

    NationalPortal.send = send  # type: ignore[method-assign]


def _is_chosen(message: Any) -> bool:
    return str(message.codes.get("national", "")).endswith(CHOSEN)


def drops_one() -> None:
    """Says delivered of one state and never sends it."""
    from hub.connector import Receipt

    async def change(honest: Any, connector: Any, message: Any, attempt: Any) -> Any:
        dropped = _is_chosen(message) and message.seq == 3
        return Receipt() if dropped else await honest(connector, message, attempt)

    _harm(change)


def doubles_one() -> None:
    """Sends one processing step twice."""

    async def change(honest: Any, connector: Any, message: Any, attempt: Any) -> Any:
        receipt = await honest(connector, message, attempt)
        if _is_chosen(message) and message.seq == 2:
            attempt.remembered.clear()
            await honest(connector, message, attempt)
        return receipt

    _harm(change)


def swaps_two() -> None:
    """Lets the newer of one dossier's two waiting steps and states go first."""
    from hub.store import accepting, lanes

    chosen: set[str] = set()
    carry_out, in_order = accepting._carry_out, lanes.open_in_order

    def remember(connection: Any, plan: Any, dossier: Any, *more: Any) -> Any:
        if any(alias.code.endswith(CHOSEN) for alias in plan.aliases):
            chosen.add(dossier.id)
        return carry_out(connection, plan, dossier, *more)

    def reversed_for_one(connection: Any, dossier_id: str, endpoint: str) -> Any:
        lane = in_order(connection, dossier_id, endpoint)
        begun = bool(lane) and lane[0].seq > 2  # the first state and step went as they must
        return lane[::-1] if dossier_id in chosen and begun else lane

    accepting._carry_out = remember
    lanes.open_in_order = reversed_for_one


def sends_five_as_nine() -> None:
    """Reports a request for supplements as finished, as one province really did."""

    async def change(honest: Any, connector: Any, message: Any, attempt: Any) -> Any:
        if message.schema.id == "npsp-dossier" and message.body["TrangThaiHoSo"] == "5":
            message.body["TrangThaiHoSo"] = "9"
        return await honest(connector, message, attempt)

    _harm(change)


def marks_without_asking() -> None:
    """Says of every dossier that the registry was consulted, and asks nobody."""
    from hub.delivery.verify import Go, Verification

    async def verdict(self: Any, due: Any, verify: Any, question: Any, number: int) -> Go:
        return Go((verify.database_code,))

    Verification.verdict = verdict  # type: ignore[method-assign,assignment]


def ignores_the_hold() -> None:
    """Sends owners whom nobody confirmed, though their route says hold."""
    from dataclasses import replace

    from hub.delivery.verify import Verification

    def flagged(step: Any) -> Any:
        return replace(step, on_mismatch="flag")

    question, verdict = Verification.question, Verification.verdict
    Verification.question = lambda self, due, steps: question(self, due, [flagged(step) for step in steps])  # type: ignore[method-assign]
    Verification.verdict = lambda self, due, step, *more: verdict(self, due, flagged(step), *more)  # type: ignore[method-assign]


def forgets_envelopes() -> None:
    """The SOAP door answers with a receipt, and stores nothing."""
    from hub.connector import Accepted
    from hub.intake.accept import Intake

    honest = Intake.accept

    async def accept(self: Any, arrival: Any, *given: Any, **named: Any) -> Any:
        if arrival.schema.id != "one-stop-soap":
            return await honest(self, arrival, *given, **named)
        return Accepted({"arrival": arrival.id, "state": "accepted", "correlation_id": arrival.correlation_id}, False)

    Intake.accept = accept  # type: ignore[method-assign]


def forgets_the_restore() -> None:
    """After a restore nothing counts as perhaps sent: what went out after the backup goes out again."""
    import hub.ledger.restored as restored

    restored.fates = lambda lane, answers, rule: {}


def knows_no_clients() -> None:
    """The gate treats all clients as one and the same: who asks most is served most."""
    from hub.intake.gate import Gate

    honest = Gate.enter

    async def enter(self: Any, client: str, size: int) -> Any:
        return await honest(self, "everyone", size)

    Gate.enter = enter  # type: ignore[method-assign]


def halts_before_the_name() -> None:
    """No sabotage, a seam held open: what writes a file for a partner stops for ever before the file gets its name."""
    from connectors.files.local import LocalPlace

    LocalPlace.rename = lambda place, old, new: threading.Event().wait()  # type: ignore[method-assign,assignment]


def halts_behind_the_name() -> None:
    """The same, when the file has its name and nobody in the hub knows yet."""
    from connectors.files.local import LocalPlace

    honest = LocalPlace.rename

    def rename(place: Any, old: Any, new: Any) -> None:
        honest(place, old, new)
        threading.Event().wait()

    LocalPlace.rename = rename  # type: ignore[method-assign]


KINDS: dict[str, Callable[[], None]] = (
    {
        one.__name__: one
        for one in (
            no_sync,
            early_answer,
            drops_one,
            doubles_one,
            swaps_two,
            sends_five_as_nine,
            marks_without_asking,
            ignores_the_hold,
            forgets_envelopes,
            forgets_the_restore,
            knows_no_clients,
            halts_before_the_name,
            halts_behind_the_name,
        )
    }
    | topics.KINDS
    | events.KINDS
)
