"""The tables of the store, once for SQLite and PostgreSQL; ``migrations/`` creates exactly these.

Times are microseconds since the epoch. JSON is kept as text, bodies as bytes in a table of their own, keyed by the id of
what they belong to (arrival, message, or delivery for the bytes sent), so that a body can be erased without touching
ids, digests, ledger or history.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()


def _id(name: str = "id", *, primary_key: bool = False, nullable: bool = False) -> Column[str]:
    return Column(name, String(36), primary_key=primary_key, nullable=nullable)


meta = Table(
    "meta",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

bodies = Table(
    "bodies",
    metadata,
    _id(primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

arrivals = Table(
    "arrivals",
    metadata,
    _id(primary_key=True),
    Column("sender", String(100), nullable=False),
    Column("sender_key", String(255)),
    Column("schema", String(120), nullable=False),
    Column("position", Text),
    _id("dossier_id"),
    Column("ordinal", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("state", String(12), nullable=False),
    Column("reasons", Text, nullable=False),
    Column("receipt", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("correlation_id", String(64), nullable=False),
    Column("traceparent", String(64)),
    Column("origin", String(100)),
    Column("hops", Integer, nullable=False),
    Column("settled_by", String(100)),
    Column("why", Text),
    Column("erased_at", BigInteger),
    UniqueConstraint("sender", "sender_key", name="uq_arrivals_sender_key"),
    Index("ix_arrivals_dossier", "dossier_id", "ordinal"),
    Index("ix_arrivals_sender", "sender", "id"),
    Index("ix_arrivals_kept", "received_at", sqlite_where=text("state = 'kept'"), postgresql_where=text("state = 'kept'")),
)

dossiers = Table(
    "dossiers",
    metadata,
    _id(primary_key=True),
    Column("owner", String(100), nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("last_arrival", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

aliases = Table(
    "aliases",
    metadata,
    Column("system", String(100), primary_key=True),
    Column("code", String(255), primary_key=True),
    _id("dossier_id"),
    Column("learned_at", BigInteger, nullable=False),
    Index("ix_aliases_dossier", "dossier_id"),
    Index("ix_aliases_code", "code"),
)

messages = Table(
    "messages",
    metadata,
    _id(primary_key=True),
    _id("arrival_id"),
    _id("dossier_id"),
    Column("seq", BigInteger, nullable=False),
    Column("sender", String(100), nullable=False),
    Column("stream", String(100), nullable=False),
    Column("schema", String(120), nullable=False),
    Column("full_state", Boolean, nullable=False),
    Column("version", BigInteger),
    Column("digest", String(64), nullable=False),
    Column("state", String(12), nullable=False),  # routed | superseded | conflict
    Column("correlation_id", String(64), nullable=False),
    Column("traceparent", String(64)),
    Column("origin", String(100)),
    Column("hops", Integer, nullable=False),
    Column("warnings", Text),
    Column("accepted_at", BigInteger, nullable=False),
    UniqueConstraint("dossier_id", "seq", name="uq_messages_dossier_seq"),
    Index("ix_messages_arrival", "arrival_id"),
    Index("ix_messages_stream", "stream", "id"),
)

deliveries = Table(
    "deliveries",
    metadata,
    _id(primary_key=True),
    _id("message_id"),
    _id("dossier_id"),
    Column("endpoint", String(100), nullable=False),
    Column("route", String(100), nullable=False),
    Column("stream", String(100), nullable=False),
    Column("full_state", Boolean, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("state", String(12), nullable=False),
    Column("head", Boolean, nullable=False),
    Column("next_at", BigInteger),
    Column("number", Integer, nullable=False),
    Column("counted", Integer, nullable=False),
    _id("attempt_id", nullable=True),
    Column("last_attempt_at", BigInteger),
    Column("doubted", Boolean, nullable=False),
    Column("adopt", Boolean, nullable=False),
    Column("chain", String(64)),
    Column("notes", Text),
    Column("code", String(60)),
    Column("reason", Text),
    Column("problems", Text),
    Column("warnings", Text),
    Column("reference", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Column("settled_by", String(100)),
    Column("why", Text),
    UniqueConstraint("message_id", "route", name="uq_deliveries_message_route"),
    Index("ix_deliveries_lane", "dossier_id", "endpoint", "position"),
    Index(
        "ix_deliveries_due",
        "endpoint",
        "next_at",
        sqlite_where=text("head = 1 AND state IN ('pending', 'in_doubt')"),
        postgresql_where=text("head AND state IN ('pending', 'in_doubt')"),
    ),
    Index(
        "ix_deliveries_open",
        "endpoint",
        "route",
        "state",
        "created_at",
        sqlite_where=text("state IN ('pending', 'claimed', 'in_doubt', 'dead')"),
        postgresql_where=text("state IN ('pending', 'claimed', 'in_doubt', 'dead')"),
    ),
    Index(
        "ix_deliveries_dead",
        "settled_at",
        "endpoint",
        "code",
        "id",
        sqlite_where=text("state = 'dead'"),
        postgresql_where=text("state = 'dead'"),
    ),
)

attempts = Table(
    "attempts",
    metadata,
    _id(primary_key=True),
    _id("delivery_id"),
    Column("number", Integer, nullable=False),
    Column("chain", String(64), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("outcome", String(12)),
    Column("code", String(60)),
    Column("reason", Text),
    Column("resolved", String(80)),
    Column("resolved_at", BigInteger),
    Index("ix_attempts_delivery", "delivery_id", "number"),
)

cells = Table(
    "ledger",
    metadata,
    Column("dossier_id", String(36), primary_key=True),
    Column("endpoint", String(100), primary_key=True),
    Column("stream", String(100), primary_key=True),
    Column("routed_seq", BigInteger),  # null: the partner was never to be sent anything, and only told
    Column("routed_at", BigInteger),
    Column("sent_seq", BigInteger),
    Column("sent_at", BigInteger),
    _id("sent_message", nullable=True),
    Column("heard_seq", BigInteger),
    Column("heard_at", BigInteger),
    _id("heard_message", nullable=True),
    Column("open", Integer, nullable=False),
    Column("dead", Integer, nullable=False),
    Column("doubted", Boolean, nullable=False),
)

replies = Table(
    "replies",
    metadata,
    _id(primary_key=True),
    Column("endpoint", String(100), nullable=False),
    Column("schema", String(120), nullable=False),
    Column("correlation_id", String(64), nullable=False),
    Column("traceparent", String(64)),
    Column("hops", Integer, nullable=False),
    Column("stored_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    _id("dossier_id", nullable=True),
)

cursors = Table(
    "cursors",
    metadata,
    Column("endpoint", String(100), primary_key=True),
    Column("value", Text, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    _id("dossier_id"),
    Column("since", BigInteger, nullable=False),  # when the count began that it belongs to
    Column("at", BigInteger, nullable=False),
    Column("type", String(30), nullable=False),
    Column("data", Text, nullable=False),
    sqlite_autoincrement=True,  # an id is never given again: it is the order of the stream
)

endpoints = Table(
    "endpoints",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("paused_by", String(100)),
    Column("paused_at", BigInteger),
    Column("why", Text),
)

keys = Table(
    "keys",
    metadata,
    _id(primary_key=True),
    Column("name", String(100), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("schemas", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("role", String(10), nullable=False, server_default="sender"),  # sender | operator
)

lookups = Table(
    "lookups",
    metadata,
    _id(primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("key_name", String(100), nullable=False),  # a key's name, or route: and a route's
    Column("officer", String(100), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("procedure", String(100), nullable=False),
    Column("endpoint", String(100), nullable=False),
    Column("kind", String(10), nullable=False),  # look-up | confirm | verify
    Column("outcome", String(12)),  # none: asked, and no answer is known of
    Column("code", String(60)),
    Column("reason", Text),  # why there is no answer: places and words, masked
    Column("digest", String(64), nullable=False),
    _id("dossier_id", nullable=True),
    Column("correlation_id", String(64), nullable=False),
    Column("duration", BigInteger),
    Index("ix_lookups_at", "at"),
    Index("ix_lookups_officer", "officer", "at"),
    Index("ix_lookups_dossier", "dossier_id"),
)

audit = Table(
    "audit",
    metadata,
    _id(primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("act", String(40), nullable=False),
    Column("target", String(255), nullable=False),
    Column("why", Text),
    Index("ix_audit_target", "target"),
)
