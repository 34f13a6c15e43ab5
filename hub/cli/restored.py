"""What ``hub endpoint resume`` does after a restore: asks the partner, through its connector, how far each lane had come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import orjson

from hub.cli.shell import plural
from hub.connector import ConnectorContext, Found, Holder
from hub.errors import Rejected, TranslationFailed
from hub.message import Message

if TYPE_CHECKING:
    from hub.assembly import Assembly
    from hub.ledger.restored import Ask, Outcome
    from hub.store.port import Store
    from hub.store.values import JsonObject


async def find_out_at(folder: Path, store: Store, endpoint: str, *, actor: str, tell: Callable[[int], None]) -> Outcome:
    """Decide what the endpoint was sent since the backup, and resume it. Raises DeliveryError when it does not answer."""
    from hub.assembly import assemble
    from hub.ledger.restored import find_out
    from hub.message import system_clock

    parts = assemble(folder)
    one = parts.endpoints[endpoint]
    connector = one.connector(one.settings, ConnectorContext(endpoint, system_clock))

    def rule(route: str) -> Literal["resend", "hold"]:
        found = parts.router.named(route)
        return "hold" if found is None else found.in_doubt

    await connector.open()
    try:
        ask = _asker(parts, connector if isinstance(connector, Holder) else None)
        return await find_out(store, endpoint, ask, rule, system_clock, actor=actor, tell=tell)
    finally:
        await connector.close()


def _asker(parts: Assembly, partner: Holder | None) -> Ask:
    """Asks about one stored state as it would be sent now; what cannot be translated or told is unknown."""
    unknown = Found(holds=None)

    async def ask(row: JsonObject) -> Found | None:
        route = parts.router.named(row["route"])
        if partner is None or route is None or row["content"] is None:
            return unknown
        try:
            chain = parts.catalog.chain(row["schema"], route.as_, route.via)
            translation = chain.translate(orjson.loads(row["content"]))
        except TranslationFailed:
            return unknown
        if translation is None:
            return unknown
        message = Message(
            id=row["message_id"], arrival_id=row["arrival_id"], dossier_id=row["dossier_id"], seq=row["seq"],
            schema=chain.target.ref, body=translation.body,
            correlation_id=row["correlation_id"], full_state=True, codes=row["codes"],
        )  # fmt: skip
        try:
            return await partner.held(message)
        except Rejected:
            return unknown

    return ask


def told(found: Mapping[str, int]) -> Iterator[str]:
    """The outcome in sentences."""
    yield f"after the restore: {plural(found['lanes'], 'dossier')} with something that may have been sent since the backup"
    yield f"  {found['there'] + found['passed']} states found there or passed: not sent again"
    yield f"  {found['again']} sent again, with the same effect"
    yield f"  {found['hold']} held in doubt: see `hub dead list`, look at the partner, then replay or discard each"
