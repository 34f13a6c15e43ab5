"""The graph of schemas and mappings: which ways lead from one schema to another, and which of them the hub takes.

A mapping is an edge. The shortest way of stable mappings is taken, each in its newest version; where they lead nowhere,
deprecated ones are used too. A draft is taken by a pin (``via``) of its full version alone. Several mappings for one edge are
ambiguous, until a route pins its way.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from hub.errors import BadConfig, Problem
from hub.message import SchemaRef
from hub.translation.chain import Step
from hub.translation.versions import allows, is_full, order

Way = tuple[Step, ...]
Edges = Mapping[SchemaRef, Sequence[Step]]
MOST_NAMED = 3
"""How many of several ways are named."""
_RANK = {"draft": 0, "deprecated": 1, "stable": 2}


def worth(step: Step) -> tuple[int, tuple[int, ...]]:
    """Of one mapping's versions the one that is worth most is taken: a stable one first, then the newest."""
    return _RANK[step.mapping.status], order(step.mapping.ref)


def best_edges(steps: Iterable[Step], lowest: str = "deprecated") -> dict[SchemaRef, list[Step]]:
    """For each schema the steps of this or a better status that leave it: of one mapping's versions the best, of several
    mappings all of the best rank."""
    best: dict[tuple[SchemaRef, SchemaRef], dict[str, Step]] = {}
    for step in steps:
        if worth(step)[0] < _RANK[lowest]:
            continue
        here = best.setdefault((step.source.ref, step.target.ref), {})
        name = step.mapping.ref.id
        if name not in here or worth(step) > worth(here[name]):
            here[name] = step
    edges: dict[SchemaRef, list[Step]] = {}
    for (source, _), rivals in best.items():
        top = max(worth(step)[0] for step in rivals.values())
        edges.setdefault(source, []).extend(step for step in rivals.values() if worth(step)[0] == top)
    return edges


def shortest(steps: Iterable[Step], source: SchemaRef, wanted: SchemaRef) -> tuple[Way, ...]:
    """The shortest ways to the newest schema that ``wanted`` allows, of stable mappings if these lead there; more than one is
    ambiguous, and not all of many are given. Raises BadConfig for none."""
    steps = list(steps)
    for lowest in ("stable", "deprecated"):
        ways, seen = _search(best_edges(steps, lowest), source, wanted)
        if ways:
            return ways
    ends = ", ".join(sorted(str(ref) for ref in seen - {source})) or "nowhere"
    hint = f"add a mapping from {source} to {wanted} under mappings/; those there are lead to: {ends}"
    drafts, _ = _search(best_edges(steps, "draft"), source, wanted)
    if drafts:
        names = " and ".join(str(step.mapping.ref) for step in drafts[0] if step.mapping.status == "draft")
        hint = f"only a draft leads there: write status: stable in {names}, or let a route pin its full version by via"
    text = f"no mapping leads from {source} to {wanted}"
    raise BadConfig([Problem(f"{source} → {wanted}", "no_mapping", text, hint)])


def _search(edges: Edges, source: SchemaRef, wanted: SchemaRef) -> tuple[tuple[Way, ...], set[SchemaRef]]:
    """The shortest ways, of very many only some, and the schemas that were come to."""
    seen = {source}
    reached: dict[SchemaRef, list[Way]] = {source: [()]}
    while reached and not (goals := [ref for ref in reached if allows(wanted, ref)]):
        further: dict[SchemaRef, list[Way]] = {}
        for here, ways in reached.items():
            for step in edges.get(here, []):
                if step.target.ref not in seen:
                    further.setdefault(step.target.ref, []).extend((*way, step) for way in ways)
        seen |= further.keys()
        reached = {ref: ways[: MOST_NAMED + 1] for ref, ways in further.items()}
    return (tuple(reached[max(goals, key=order)]) if reached else ()), seen


def the_one(ways: Sequence[Way], source: SchemaRef, wanted: SchemaRef) -> Way:
    """Raises BadConfig when there are several."""
    if len(ways) > 1:
        names = " or ".join([*map(written, ways[:MOST_NAMED]), *(["others"] if len(ways) > MOST_NAMED else [])])
        hint = "deprecate all but one; or pin the way of a route: via: [mapping@version, …]"
        raise BadConfig([Problem(f"{source} → {wanted}", "ambiguous", f"several ways lead there: {names}", hint)])
    return ways[0]


def pinned(steps: Iterable[Step], source: SchemaRef, wanted: SchemaRef, via: Sequence[SchemaRef]) -> Way:
    """The way of exactly these mappings, each in the best version that its pin allows; a draft has to be pinned by its full
    version. Raises BadConfig."""
    leaving: dict[SchemaRef, list[Step]] = {}
    for step in steps:
        leaving.setdefault(step.source.ref, []).append(step)
    at = f"{source} → {wanted}"
    names = {step.mapping.ref.id: step for there in leaving.values() for step in there}
    ways: list[Way] = [()]
    for pin in via:
        further = [
            (*way, step)
            for way in ways
            for step in leaving.get(way[-1].target.ref if way else source, ())
            if allows(pin, step.mapping.ref) and (is_full(pin.version) or step.mapping.status != "draft")
        ]
        if not further:
            here = {way[-1].target.ref if way else source for way in ways}
            come_to = " or ".join(sorted(map(str, here)))
            known = [step for there in leaving.values() for step in there if allows(pin, step.mapping.ref)]
            if not known:
                near = difflib.get_close_matches(pin.id, names, 3)
                text = f"no mapping {pin} is known"
                hint = f"did you mean {' or '.join(near)}?" if near else "`hub catalog list` has them"
                raise BadConfig([Problem(at, "unknown_mapping", text, hint)])
            if drafts := sorted({str(step.mapping.ref) for step in known if step.source.ref in here}):
                text = f"of {pin} only a draft leads on from {come_to}"
                hint = f"pin its full version: {' or '.join(drafts)}; or write status: stable in it"
                raise BadConfig([Problem(at, "pin_leads_nowhere", text, hint)])
            takes = " or ".join(sorted({str(step.source.ref) for step in known}))
            text = f"the pinned way has come to {come_to}, but {pin} takes {takes}"
            hint = f"correct via, or begin at {takes}: a route does with take: {takes}"
            raise BadConfig([Problem(at, "pin_leads_nowhere", text, hint)])
        ways = further
    there = [way for way in ways if allows(wanted, way[-1].target.ref)]
    if not there:
        ends = " or ".join(sorted({str(way[-1].target.ref) for way in ways}))
        text, hint = f"the pinned way ends at {ends}, not at {wanted}", f"let via end with a mapping to {wanted}"
        raise BadConfig([Problem(at, "pin_leads_nowhere", text, hint)])
    return max(there, key=lambda way: (-_deprecated(way), order(way[-1].target.ref), [worth(step) for step in way]))


def _deprecated(way: Way) -> int:
    return sum(step.mapping.status == "deprecated" for step in way)


def all_ways(steps: Iterable[Step], source: SchemaRef, wanted: SchemaRef, most_steps: int) -> Iterator[Way]:
    """Every way to what ``wanted`` allows, in all versions of all mappings, that passes no schema twice; shorter ones first."""
    leaving: dict[SchemaRef, list[Step]] = {}
    for step in steps:
        leaving.setdefault(step.source.ref, []).append(step)
    near: list[set[SchemaRef]] = [
        {step.target.ref for there in leaving.values() for step in there if allows(wanted, step.target.ref)}
    ]
    for _ in range(most_steps):  # near[n]: from where n steps lead to a goal; no other schema is gone to
        near.append({ref for ref, there in leaving.items() if any(step.target.ref in near[-1] for step in there)})

    def ways(way: Way, left: int) -> Iterator[Way]:
        passed = {source, *(step.target.ref for step in way)}
        for step in leaving.get(way[-1].target.ref if way else source, ()):
            if allows(wanted, step.target.ref):
                yield from [(*way, step)] if left == 1 else ()
            elif left > 1 and step.target.ref not in passed and step.target.ref in near[left - 1]:
                yield from ways((*way, step), left - 1)

    for length in range(1, most_steps + 1):
        yield from ways((), length)


def two_mappings(edges: Edges, pins: Collection[str] = ()) -> Iterator[Problem]:
    """Two mappings for one edge: every way over it would be ambiguous. No problem where a route pins one of them (``pins``:
    names of mappings): whoever goes there without a pin is told."""
    for steps in edges.values():
        rivals: dict[SchemaRef, list[Step]] = {}
        for step in steps:
            rivals.setdefault(step.target.ref, []).append(step)
        for target, several in rivals.items():
            if len(several) < 2 or any(step.mapping.ref.id in pins for step in several):
                continue
            first, *others = sorted(several, key=lambda step: step.mapping.ref.id)
            for other in others:
                places = f"{first.mapping.ref} ({first.mapping.at('from')})"
                text = f"two mappings lead from {first.source.ref} to {target}: this one and {places}"
                hint = "deprecate one, give both one name and two versions, or pin one by via in a route"
                place = other.mapping.at("from")
                yield Problem(str(other.mapping.ref), "two_mappings", text, hint, place)


def why_not(way: Way, chosen: Sequence[Way], edges: Edges) -> str:
    """Why the hub does not take a way, beside the ones that it would; empty for one of these or as good as they are."""
    for step in way:
        known = edges.get(step.source.ref, ())
        if step in known or step.mapping.status == "draft":
            continue
        rival = next(one for one in known if one.target.ref == step.target.ref)
        if rival.mapping.status != step.mapping.status:
            return f"{step.mapping.ref} is {step.mapping.status}, {rival.mapping.ref} is {rival.mapping.status}"
        return f"{rival.mapping.ref} is newer than {step.mapping.ref}"
    for step in way:
        if step.mapping.status == "draft":
            return f"{step.mapping.ref} is a draft: only a pin of its full version takes it"
        if step.mapping.status == "deprecated" and not any(map(_deprecated, chosen)):
            return f"{step.mapping.ref} is deprecated, those of the way taken are stable"
    if len(way) > len(chosen[0]):
        return f"it has {len(way)} steps, the way taken {len(chosen[0])}"
    if way[-1].target.ref != chosen[0][-1].target.ref:
        return f"it ends at {way[-1].target.ref}, an older version than {chosen[0][-1].target.ref}"
    return ""


def written(way: Sequence[Step], show: Callable[[Step], str] = lambda step: str(step.mapping.ref)) -> str:
    """A way in words."""
    return " + ".join(map(show, way)) or "no mapping: as it is"
