"""Whatever fits a source schema: what a shipped mapping makes of it fits the target, or each problem names field and line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from source_documents import Documents

from hub.errors import TranslationFailed
from hub.message import SchemaRef
from hub.translation import Catalog

HOME = Path(__file__).parents[2]
SHIPPED = sorted(
    f"{file.parent.name}@{file.stem}" for file in (HOME / "mappings").glob("*/*.yaml") if file.parent.name != "tables"
)
TRIES = 1_000
CODES = {
    "missing", "not_in_table", "table_not_fetched", "bad_date", "bad_value", "too_long", "pattern", "schema_invalid",
}  # fmt: skip
TOTAL = {
    "dossier-to-dossier@1.0.0", "dossier-to-dossier@1.1.0", "portal-progress-to-progress@1.0.0",
    "dossier-to-ministry-status@1.0.0", "enterprise-query-to-business-registry@1.0.0",
}  # fmt: skip
"""Mappings whose source schema is as strict as their rules: they refuse nothing that fits it."""
SELDOM = {"dossier-to-enterprise-query@1.0.0", "dossier-to-enterprise-query@1.1.0", "dossier-to-ministry@1.0.0"}
"""Mappings that take few of all dossiers: more of them are tried."""


@pytest.mark.parametrize("name", SHIPPED)
def test_there_is_no_third_outcome(catalog: Catalog, name: str) -> None:
    """Nothing only where ``when`` says so; no exception but TranslationFailed; both outcomes are reached."""
    ref = SchemaRef.parse(name)
    where = re.compile(rf"\S*mappings/{ref.id}/{re.escape(ref.version)}\.yaml:[0-9]+( .*)?")
    translated = refused = 0
    tries = 4 * TRIES if name in SELDOM else TRIES
    for step in catalog.steps(ref):
        documents = Documents(step, 1)
        for document in (*documents.from_schema(TRIES), *documents.damaged(tries)):
            try:
                body = step.translate(document, [])
            except TranslationFailed as error:
                refused += 1
                assert error.problems
                assert [one for one in error.problems if not (one.at and one.code in CODES and one.message)] == []
                assert [one for one in error.problems if not where.fullmatch(one.source)] == []
            else:
                translated += body is not None
                assert body is not None or step.mapping.conditions
                if body is not None:
                    step.target.validate(body)
    assert translated >= 30
    assert refused >= 30 or name in TOTAL
