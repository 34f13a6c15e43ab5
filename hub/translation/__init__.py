"""From what a sender says to what a partner understands: schemas, code tables, mappings, proof of which were used."""

from hub.translation.catalog import Catalog
from hub.translation.chain import ENGINE_VERSION, Chain, Step, Translation
from hub.translation.fetched import write_fetched_table
from hub.translation.lock import lock_schemas
from hub.translation.mapping import Mapping
from hub.translation.schema import Schema
from hub.translation.tables import CodeTable

__all__ = [
    "ENGINE_VERSION",
    "Catalog",
    "Chain",
    "CodeTable",
    "Mapping",
    "Schema",
    "Step",
    "Translation",
    "lock_schemas",
    "write_fetched_table",
]
