"""What ``hub check`` says of the settings before anybody calls: schemas and routes that do not go together."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from connectors.ministry_portal.config import MinistryConfig
from hub.connector import Documents
from hub.errors import Problem

DOSSIER, PROGRESS, STATUS = "ministry-dossier", "ministry-progress", "ministry-status"
SENT = (DOSSIER, PROGRESS, STATUS)


def problems(config: MinistryConfig, sent: Collection[str], documents: Documents) -> Iterator[Problem]:
    """Every problem, placed at a setting of the endpoint."""
    order = [one.partition("@")[0] for one in sent]
    ids = set(order)
    for one in sorted(set(sent)):
        if one.partition("@")[0] not in SENT:
            text = f"a route sends {one}, which this connector does not know"
            yield Problem("", "unknown_schema_sent", text, f"routes as: {', '.join(f'{name}@1' for name in SENT)}")
    if ids & {PROGRESS, STATUS} and DOSSIER not in ids:
        text = f"steps and states go to this endpoint, and no route creates dossiers there ({DOSSIER}@1)"
        yield Problem("", "no_route", text, f"add a route {{ take: dossier@1, to: this endpoint, as: {DOSSIER}@1 }}")
    if {DOSSIER, STATUS} <= ids and order.index(DOSSIER) > order.index(STATUS):
        text = (
            f"the route as {STATUS}@1 stands before that as {DOSSIER}@1: the state would go before the dossier is created there"
        )
        yield Problem("", "route_order", text, f"write the route as {DOSSIER}@1 first")
    if config.push is not None and not config.push.accounts:
        hint = "write accounts: { NAME: { sender: NAME } }; the password is the key of `hub key new NAME`"
        yield Problem("push.accounts", "missing", "nobody may come in by an account", hint)
    if config.feed is None and config.push is None:
        return
    for name in ("dossier_schema", "progress_schema"):
        schema = getattr(config, name)
        document = documents(schema)
        if document is None:
            yield Problem(name, "unknown_schema", f"no schema {schema} is in the catalog", "see hub schema list")
        elif (role := document.get("x-hub", {}).get("role")) != "source":
            yield Problem(
                name, "not_a_source", f"{schema} is a {role} schema", "name a source schema, one that stands under sources"
            )
    if config.dossier_schema == config.progress_schema:
        yield Problem("progress_schema", "bad_value", "dossiers and steps cannot be of one schema", "ministry-feed-progress@1")
