"""What must hold of a connector that answers questions, fetches tables or listens, when nothing goes wrong."""

from __future__ import annotations

from typing import Any

from hub.connector import Confirmer, Listener, TableSource, is_responder
from hub.errors import NotFound
from hub.testing.bench import Subject, bench, question
from hub.testing.conformance_contract import DoesNotApply
from hub.testing.watched_calls import watched


async def answers_its_questions(subject: Subject) -> list[str]:
    """What the registry knows is answered; what it does not know is None, and False where it is asked whether it is so."""
    if not is_responder(subject.kind):
        raise DoesNotApply("it answers no questions")
    specimen, found = subject.specimen, []
    if not specimen.queries or not specimen.unknown_queries:
        found.append("the specimen needs queries and unknown_queries")
    async with bench(subject) as it:
        for bodies, known in ((specimen.queries, True), (specimen.unknown_queries, False)):
            for number, body in enumerate(bodies):
                name = f"{'question' if known else 'unknown question'} {number + 1}"
                told = await watched(it.connector.request(question(subject, body)))
                if told.end != "well" or (told.value is not None) is not known:
                    found.append(f"{name}: {told.word if told.end != 'well' else 'answered wrongly'}")
                if isinstance(it.connector, Confirmer):
                    told = await watched(it.connector.confirm(question(subject, body)))
                    if told.end != "well" or told.value is not known:
                        found.append(f"{name}, confirmed: {told.word if told.end != 'well' else 'answered wrongly'}")
        if it.effects():
            found.append(f"the partner was changed {it.effects()} times by questions")
    return found


async def fetches_its_tables(subject: Subject) -> list[str]:
    """Each table it names is fetched, with the columns it names and no others; another is NotFound."""
    if not issubclass(subject.kind, TableSource) or not subject.kind.tables:
        raise DoesNotApply("it fetches no tables")
    found: list[str] = []
    async with bench(subject) as it:
        for table, columns in subject.kind.tables.items():
            told = await watched(it.connector.fetch_table(table))
            if told.end != "well":
                found.append(f"{table}: {told.word}")
            elif not all(set(row) <= set(columns) for row in told.value.values()):
                found.append(f"{table}: a row has other columns than {', '.join(columns)}")
        told = await watched(it.connector.fetch_table("no-such-table@1"))
        if not isinstance(told.error, NotFound):
            found.append(f"no-such-table@1: {told.word}")
    return found


class _NoInlet:
    """The hub's door, at which nobody calls."""

    def visit(self, request: Any) -> Any:
        raise AssertionError("nobody calls")


async def listens_where_it_says(subject: Subject) -> list[str]:
    """``routes`` mounts just the paths that ``paths`` tells, each beginning with /, and what catches all else beside one."""
    if not issubclass(subject.kind, Listener):
        raise DoesNotApply("it does not listen")
    async with bench(subject) as it:
        mounted = {route.path for route in it.connector.routes(_NoInlet())}
        told = set(subject.kind.paths(it.connector.config))
    if not mounted and not told:
        raise DoesNotApply("with the specimen's settings it has no door")
    found = [f"{path} does not begin with /" for path in mounted if not path.startswith("/")]
    beside = {path for path in mounted if "{" in path and any(one.startswith(path.partition("{")[0]) for one in told)}
    if mounted - beside != told:
        found.append(f"mounted {sorted(mounted - beside)}, told {sorted(told)}")
    return found


ROLES = (answers_its_questions, fetches_its_tables, listens_where_it_says)
