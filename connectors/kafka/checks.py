"""What is wrong with the settings of a cluster, found without calling it: for ``hub check``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from connectors.kafka.config import KafkaConfig
from hub.connector import Documents
from hub.errors import Problem
from hub.message import SchemaRef
from hub.wire.tls import unusable_files


def problems(config: KafkaConfig, sent: Collection[str], documents: Documents) -> Iterator[Problem]:
    """Every problem; ``at`` is the dotted path of a setting."""
    write = config.write
    for text in sent:
        if write is None:
            hint = "say write.source and write.topics, or mend the route"
            yield Problem("write", "no_write", f"a route sends {text} here, and nothing is written", hint)
        elif write.topic_for(SchemaRef.parse(text)) is None:
            hint = f"name {text} under write.topics, or mend the route"
            yield Problem("write.topics", "no_topic", f"a route sends {text} here, and no topic takes it", hint)
    for schema in write.topics if write else ():
        if documents(schema) is None:
            text = f"the catalog has no schema {schema}"
            yield Problem(f"write.topics.{schema}", "unknown_schema", text, "put it into schemas/")
    both = config.written() & set(config.read.topics) if config.read else ()
    for topic in sorted(both):
        text = "the topic is read and written by the same endpoint: the hub would read what it wrote"
        yield Problem(f"read.topics.{topic}", "feeds_itself", text, "read from another topic, or write to another")
    if config.tls:
        yield from unusable_files(config)


def sources(config: KafkaConfig) -> Mapping[str, str]:
    """Dotted path of a setting → the source schema that it names."""
    found: dict[str, str] = {}
    for name, topic in config.read.topics.items() if config.read else ():
        if topic.schema_ is not None:
            found[f"read.topics.{name}.schema"] = topic.schema_
        found |= {f"read.topics.{name}.types.{kind}": schema for kind, schema in topic.types.items()}
    return found
