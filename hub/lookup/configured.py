"""Whether the look-ups and verify steps of a configuration can work: what ``hub check`` finds of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hub.config import EndpointConfig, LookupConfig, VerifyConfig
from hub.connector import Connector, is_responder
from hub.dossier.applicant import SUBJECTS
from hub.errors import BadConfig, Problem
from hub.lookup.registry import WHO_ASKS
from hub.routing.routes import Verify
from hub.translation import Catalog

_COMPARED = ("number", "name")


def lookup_fits(catalog: Catalog, connector: type[Connector[Any]], config: LookupConfig) -> None:
    """An endpoint's ``lookup``: a connector that answers, schemas that are canonical, and mappings both ways.

    Raises BadConfig, UnknownSchema.
    """
    if not is_responder(connector):
        text, hint = "the connector answers no questions", "leave lookup out; `hub connectors` says which are a responder"
        raise BadConfig([Problem("", "not_a_responder", text, hint)])
    for ref in (config.take, config.give):
        _canonical(catalog, ref)
    _asks(catalog, config.take)
    queries, answers = _schemas_of(connector)
    catalog.schema(queries)
    catalog.schema(answers)
    catalog.chain(config.take, queries)
    catalog.chain(answers, config.give)


def verify_of(
    catalog: Catalog,
    take: str,
    config: VerifyConfig,
    endpoints: Mapping[str, EndpointConfig],
    connectors: Mapping[str, type[Connector[Any]]],
) -> Verify:
    """A route's ``verify``, for messages of the schema ``take``. Raises BadConfig, UnknownSchema."""
    endpoint = endpoints.get(config.with_)
    if endpoint is None:
        hint = f"one of: {', '.join(name for name, one in endpoints.items() if one.lookup) or 'none'}"
        raise BadConfig([Problem("", "unknown_endpoint", f"no endpoint is named {config.with_}", hint)])
    connector = connectors.get(config.with_)
    if connector is not None and not is_responder(connector):
        text, hint = f"the connector of {config.with_} answers no questions", "name an endpoint that has a lookup"
        raise BadConfig([Problem("", "not_a_responder", text, hint)])
    if endpoint.lookup is None:
        hint = f"write lookup: {{ take: {config.query}, give: {config.query.partition('-query')[0]}@1 }} there"
        text = f"{config.with_} has no lookup"
        raise BadConfig([Problem("", "no_lookup", text, hint)])
    _canonical(catalog, config.query)
    _asks(catalog, config.query)
    catalog.chain(take, config.query)
    if connector is not None:
        catalog.chain(config.query, _schemas_of(connector)[0])
    wrong = [*_lacking(catalog, config.query, endpoint.lookup.give, take)]
    if wrong:
        raise BadConfig(wrong)
    return Verify(
        config.with_, config.query, config.on_mismatch, config.database_code, config.purpose, config.officer,
        config.birth_year_from_number,
    )  # fmt: skip


def _lacking(catalog: Catalog, query: str, give: str, take: str) -> Iterator[Problem]:
    """Whom the question is about must be known; and fields that the comparison reads or the mark is written to."""
    about = catalog.schema(query).ref.id
    if about not in SUBJECTS:
        hint = f"verify compares what it knows how to: {' and '.join(SUBJECTS)}"
        yield Problem("", "cannot_verify", f"nobody knows what fits a question of {query}", hint)
        return
    for ref, names in ((query, _COMPARED), (give, _COMPARED), (take, ("databases_consulted", "owner"))):
        for name in names:
            if not catalog.schema(ref).shape.defines((name,), strict=True):
                hint = f"verify compares a {about}@1 with a {about.removesuffix('-query')}@1, and marks a dossier@1"
                yield Problem("", "cannot_verify", f"{ref} has no field {name}", hint)


def _asks(catalog: Catalog, query: str) -> None:
    """A question holds who asks: the hub writes it there."""
    lacking = [name for name in WHO_ASKS if not catalog.schema(query).shape.defines((name,), strict=True)]
    if lacking:
        hint = f"a question has {', '.join(WHO_ASKS)}, as citizen-query@1 and enterprise-query@1"
        text = f"{query} has no field {lacking[0]}"
        raise BadConfig([Problem("", "not_a_question", text, hint)])


def _schemas_of(connector: type[Connector[Any]]) -> tuple[str, str]:
    kind: Any = connector
    return kind.queries, kind.answers


def _canonical(catalog: Catalog, ref: str) -> None:
    if catalog.schema(ref).role != "canonical":
        text, hint = f"{ref} is not a canonical schema", "questions and answers are, such as citizen-query@1 and citizen@1"
        raise BadConfig([Problem("", "not_canonical", text, hint)])
