"""A route takes canonical messages of one schema to one endpoint, when its conditions hold; each answer says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hub.errors import BadConfig, TranslationFailed
from hub.message import SchemaRef
from hub.store.values import RouteMatch


@dataclass(frozen=True, slots=True)
class Condition:
    """``present``: the field has a value; ``absent``: it has none; ``equals``: it is exactly ``value``.

    ``path`` is dotted, as in a mapping. Null and "" are no value.
    """

    kind: Literal["present", "absent", "equals"]
    path: str
    value: Any = None

    def holds(self, body: Any) -> bool:
        found = body
        for step in self.path.split("."):
            found = found.get(step) if isinstance(found, dict) else None
        if self.kind == "equals":
            return bool(found == self.value)
        return (found in (None, "")) is (self.kind == "absent")

    def __str__(self) -> str:
        return f"{self.path} = {self.value}" if self.kind == "equals" else f"{self.path} {self.kind}"


@dataclass(frozen=True, slots=True)
class Verify:
    """Ask the registry ``endpoint`` about the owner, by a question of the schema ``query``, before the first attempt."""

    endpoint: str
    query: str
    on_mismatch: Literal["hold", "flag"]
    database_code: str
    purpose: str
    officer: str
    birth_year_from_number: bool = True


@dataclass(frozen=True, slots=True)
class Enclose:
    """The files that a message names are there before it is sent, named by a signed link or by their claim."""

    as_: Literal["url", "claim"]
    of: tuple[Literal["results", "documents"], ...] = ("results", "documents")


@dataclass(frozen=True, slots=True)
class Route:
    """``take`` messages of a canonical schema (``dossier@1``) ``to`` an endpoint, ``as_`` its schema (``npsp-dossier@1``).

    ``via``: by exactly these mappings; else by the shortest way. ``senders``: whose messages it takes, everybody's when empty;
    ``observations``: also what they say of a dossier that another sender owns.
    """

    name: str
    take: SchemaRef
    to: str
    as_: str
    when: tuple[Condition, ...] = ()
    coalesce: bool = False
    in_doubt: Literal["resend", "hold"] = "resend"
    on_exists: Literal["hold", "adopt"] = "hold"
    verify: tuple[Verify, ...] = ()
    via: tuple[SchemaRef, ...] = ()
    files: Enclose | None = None
    senders: tuple[str, ...] = ()
    observations: bool = False

    def hears(self, sender: str) -> bool:
        """Does it take what this sender says?"""
        return not self.senders or sender in self.senders

    def takes(self, schema: SchemaRef) -> bool:
        """Is a message of this schema for it, if its conditions hold?"""
        return self.take.id == schema.id and (schema.version + ".").startswith(self.take.version + ".")


Trial = Callable[[SchemaRef, Any, Route], None]
"""Translate a canonical body as a route does, to see whether it can be. Raises TranslationFailed, or BadConfig for no way."""


class Router:
    """The routes of the configuration, in its order."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._by_name = {route.name: route for route in routes}

    def named(self, name: str) -> Route | None:
        return self._by_name.get(name)

    def match(self, schema: SchemaRef, body: Any, sender: str, trial: Trial) -> tuple[RouteMatch, ...]:
        """What every route for this schema says of the sender's message; a matched route is tried out and its failure named.

        A route whose conditions do not hold is answered too: the store still takes it for a dossier that is already with
        the endpoint. Never so one that does not hear this sender.
        """
        said: list[RouteMatch] = []
        for route in self.routes:
            if not route.takes(schema):
                continue
            if not route.hears(sender):
                why = f"takes only what {' and '.join(route.senders)} {'say' if len(route.senders) > 1 else 'says'}"
                said.append(RouteMatch(route.name, route.to, False, why, sticky=False))
                continue
            unmet = [str(one) for one in route.when if not one.holds(body)]
            why = f"not so: {', '.join(unmet)}" if unmet else ("conditions hold" if route.when else f"takes every {route.take}")
            failure = None if unmet else _failure(trial, schema, body, route)
            said.append(RouteMatch(route.name, route.to, not unmet, why, failure, route.coalesce, route.observations))
        return tuple(said)


def _failure(trial: Trial, schema: SchemaRef, body: Any, route: Route) -> str | None:
    try:
        trial(schema, body, route)
    except (TranslationFailed, BadConfig) as error:
        return "; ".join(f"{problem.at}: {problem.message}" for problem in error.problems)
    return None
