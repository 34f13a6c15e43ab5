"""From what a sender says to what a partner understands: schemas, code tables, mappings, proof of which were used."""

from hub.translation.catalog import Catalog
from hub.translation.chain import Chain, Translation
from hub.translation.fetched import write_fetched_table
from hub.translation.lock import lock_schemas
from hub.translation.outgoing import Outbox
from hub.translation.schema import Schema
from hub.translation.tables import CodeTable

__all__ = ["Catalog", "Chain", "CodeTable", "Outbox", "Schema", "Translation", "lock_schemas", "write_fetched_table"]
