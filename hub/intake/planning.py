"""What an arrival would be stored as: validated, translated to canonical, routed. Decides everything and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from hub import strictjson
from hub.errors import BadConfig, Problem, Refused, SchemaInvalid, TranslationFailed, UnknownSchema
from hub.intake.reading import identity
from hub.message import NATIONAL, Alias, Arrival, SchemaRef
from hub.routing import Route, Router
from hub.store.values import Part, Plan
from hub.translation import Catalog, Outbox, Schema
from hub.translation.versions import same_major

FUTURE_MICROSECONDS = 31 * 24 * 3600 * 1_000_000
"""How far ahead a sender's clock may be."""
_NO_NAME_HINT = "give the dossier's code or your own id of it"


@dataclass(frozen=True, slots=True)
class Source:
    """A schema the hub takes from senders and the canonical schemas one arrival of it becomes, in this order."""

    schema: str
    becomes: tuple[str, ...]


class Planner:
    """One configuration of intake, unchanging. ``digest`` is the store's; ``outbox`` keeps what was tried out. Raises BadConfig
    when the sources do not fit the catalog."""

    def __init__(
        self, catalog: Catalog, router: Router, sources: Sequence[Source], owners: Mapping[str, str],
        digest: Callable[[bytes], str], outbox: Outbox, max_depth: int,
    ) -> None:  # fmt: skip
        self._catalog, self._router, self._owners = catalog, router, dict(owners)
        self._digest, self._outbox, self._max_depth = digest, outbox, max_depth
        self._becomes: list[tuple[Schema, tuple[str, ...]]] = []
        self._found: dict[SchemaRef, tuple[Schema, tuple[str, ...]] | None] = {}
        """Sources by the schemas that were asked for, of which a catalog has only so many."""
        for source in sources:
            schema = catalog.schema(source.schema)
            self._becomes.append((schema, source.becomes))
            for target in source.becomes:
                catalog.chain(str(schema.ref), target)

    def source(self, arrival: Arrival, *, kept: bool = False) -> Schema:
        """The schema that the arrival names, if it is taken from senders; of one that was ``kept`` also in a major version that
        no longer is. Raises UnknownSchema, NotParsable."""
        try:
            schema = self._catalog.schema(arrival.schema)
        except UnknownSchema as error:
            strictjson.parse(arrival.body, max_depth=self._max_depth)  # a body that is not even JSON is called that first
            raise self._unknown("unknown_schema", f"no schema {arrival.schema} is known") from error
        source = self._source_of(schema)
        if source is None or not (kept or same_major(source[0].ref, schema.ref)):
            schema.parse(arrival.body, self._max_depth)
            raise self._unknown("not_a_source", f"{arrival.schema} is not taken from senders")
        return schema

    def _unknown(self, code: str, text: str) -> UnknownSchema:
        hint = f"send one of: {', '.join(sorted(str(one.ref) for one, _ in self._becomes))}"
        return UnknownSchema([Problem("Hub-Schema", code, text, hint)])

    def parsed(self, arrival: Arrival, schema: Schema) -> Any:
        """The message in its body. Raises NotParsable, SchemaInvalid."""
        return schema.parse(arrival.body, self._max_depth)

    def plan(self, arrival: Arrival, schema: Schema, parsed: Any, *, keep: bool) -> Plan:
        """What is to be stored. Raises SchemaInvalid for a message that does not fit its schema, unless it is to be kept
        then (``keep``); and for one that names no dossier, since there is no lane to keep it in."""
        problems = list(_misfits(schema, parsed))
        if problems and not keep:
            raise SchemaInvalid(problems)
        aliases = schema.aliases(parsed, arrival.sender)
        if not aliases:
            at = schema.subject[0][1] if schema.subject else ""
            missing = Problem(at, "missing", "the message names no dossier", _NO_NAME_HINT)
            raise SchemaInvalid(problems or [missing])
        source = self._source_of(schema)
        parts: list[Part] = []
        for target in () if problems or source is None else source[1]:
            try:
                part = self._part(schema, target, parsed, arrival.sender)
            except (BadConfig, TranslationFailed, SchemaInvalid) as error:  # BadConfig: no way from this version of a source
                if isinstance(error, SchemaInvalid) and not keep:
                    raise
                problems.extend(problem for problem in error.problems if problem not in problems)
            else:
                if part is not None:
                    parts.append(part)
                    problems.extend(_too_new(part, arrival.received_at))
        return Plan(
            arrival=replace(arrival, schema=schema.ref),
            digest=self._digest(identity(arrival, schema, parsed) or arrival.body),
            aliases=aliases,
            parts=() if problems else tuple(parts),
            kept=tuple(problem.as_dict() for problem in problems),
            owner=self._owner(aliases),
        )

    def set_aside(self, arrival: Arrival, names: Sequence[Alias], refusal: Refused) -> Plan:
        """One that is refused, kept with the dossier of these names for what it was refused for."""
        why = refusal.problems or (Problem("", refusal.kind, refusal.title),)
        return Plan(arrival, self._digest(arrival.body), tuple(names), kept=tuple(problem.as_dict() for problem in why))

    def again(self, arrival: Arrival) -> Plan:
        """What is to be stored of one that was kept: by the schema it came in, or where it does not fit that, by the newer
        version that its source names now. Raises Refused."""
        schema = self.source(arrival, kept=True)
        parsed = self.parsed(arrival, schema)
        source = self._source_of(schema)
        current = source[0] if source else schema
        if same_major(current.ref, schema.ref) and _misfits(schema, parsed):
            try:
                return self.plan(arrival, current, self.parsed(arrival, current), keep=False)
            except Refused:
                pass  # neither takes it: what is wrong is said by the schema it came in
        return self.plan(arrival, schema, parsed, keep=True)

    def _source_of(self, schema: Schema) -> tuple[Schema, tuple[str, ...]] | None:
        """The configured source of the schema's major version, else the last of its name."""
        ref = schema.ref
        if ref not in self._found:
            named = [one for one in self._becomes if one[0].ref.id == ref.id]
            self._found[ref] = next((one for one in named if same_major(one[0].ref, ref)), named[-1] if named else None)
        return self._found[ref]

    def _part(self, schema: Schema, target: str, parsed: Any, sender: str) -> Part | None:
        chain = self._catalog.chain(schema.ref, target)
        translation = chain.translate(parsed)
        if translation is None:
            return None
        canonical = chain.target  # what the mappings make, be there a newer version or not
        body = translation.body
        encoded = orjson.dumps(body)

        def trial(schema: SchemaRef, body: Any, route: Route) -> None:
            self._outbox.try_out(self._catalog.chain(schema, route.as_, route.via), body, encoded)

        return Part(
            schema=canonical.ref,
            body=encoded,
            full_state=canonical.full_state,
            version=canonical.version(body),
            matches=self._router.match(canonical.ref, body, sender, trial),
            warnings=tuple(problem.as_dict() for problem in translation.warnings),
            step=canonical.step(body),
        )

    def _owner(self, aliases: Sequence[Alias]) -> str | None:
        """The sender that configuration names as owner of codes that begin so; the longest beginning wins."""
        fits = [
            (len(prefix), owner)
            for alias in aliases
            if alias.system == NATIONAL
            for prefix, owner in self._owners.items()
            if alias.code.startswith(prefix)
        ]
        return max(fits)[1] if fits else None


def _misfits(schema: Schema, parsed: Any) -> tuple[Problem, ...]:
    try:
        schema.validate(parsed)
    except SchemaInvalid as error:
        return error.problems
    return ()


def _too_new(part: Part, now: int) -> list[Problem]:
    """A version far in the future would make every later state of the dossier look old: it must be mended first."""
    if part.version is None or part.version <= now + FUTURE_MICROSECONDS:
        return []
    hint = "correct the time at the source and send again, then discard this"
    return [Problem("modified_at", "version_in_future", "the sender's own time lies more than a month ahead", hint)]
