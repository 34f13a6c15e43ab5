"""Fills a route that was added later: messages accepted before it get the deliveries they would have had.

Messages are taken in the order of their dossiers' seq, and routed by the same router as at intake. Running it again adds
nothing twice, and it may run beside a live hub.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import orjson

from hub.message import Clock, SchemaRef
from hub.routing import Route, Router
from hub.routing.routes import Trial
from hub.store.port import Store
from hub.store.values import JsonObject, RouteMatch

PAGE = 200


@dataclass(slots=True)
class Backfilled:
    """Counts of messages: ``looked_at`` had no delivery on the route; of these ``matched`` belong to it, ``failing`` of the
    matched cannot be translated as things are, ``added`` deliveries were made (none in a dry run); of ``erased`` the body is
    gone, so nothing can be sent."""

    route: str
    looked_at: int = 0
    matched: int = 0
    failing: int = 0
    added: int = 0
    erased: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    """What fails in translation (place and kind, no values) → how many messages."""

    def as_dict(self) -> Mapping[str, object]:
        return {
            "route": self.route, "looked_at": self.looked_at, "matched": self.matched, "failing": self.failing,
            "added": self.added, "erased": self.erased, "failures": dict(self.failures.most_common(20)),
        }  # fmt: skip


async def backfill(
    store: Store,
    route: Route,
    trial: Trial,
    clock: Clock,
    *,
    dry_run: bool = False,
    page: int = PAGE,
    tell: Callable[[int], object] = lambda looked_at: None,
) -> Backfilled:
    """Add the missing deliveries of ``route``, ``page`` messages a transaction. Raises StoreUnavailable. ``tell`` hears after
    each page how many messages it had.

    A dossier of which one message was added stays with the endpoint: its later messages follow even where the route's
    conditions no longer hold, if the route hears their sender. What came from the endpoint itself is never sent back to it.
    """
    router = Router([route])
    done = Backfilled(route.name)
    after: str | None = None
    staying: str | None = None
    while messages := await store.messages_without(route.name, route.take.id, after, page, route.observations):
        matches: list[tuple[str, RouteMatch]] = []
        for message in messages:
            after = f"{message['dossier_id']}:{message['seq']}"
            done.looked_at += 1
            if message["content"] is None:
                done.erased += 1
                continue
            match = _match(router, route, message, trial)
            if match is None or not (match.matched or (match.sticky and staying == message["dossier_id"])):
                continue
            staying = message["dossier_id"]
            done.matched += 1
            if match.failure is not None:
                done.failing += 1
                done.failures[match.failure] += 1
            matches.append((message["id"], match))
        if matches and not dry_run:
            done.added += await store.backfill(matches, clock())
        tell(len(messages))
    return done


def _match(router: Router, route: Route, message: JsonObject, trial: Trial) -> RouteMatch | None:
    """What the route says of a stored message; None when it is not for it at all."""
    if message.get("origin") == route.to:
        return None
    found = router.match(SchemaRef.parse(message["schema"]), orjson.loads(message["content"]), message["sender"], trial)
    return found[0] if found else None
