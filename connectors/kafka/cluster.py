"""How a cluster is reached: the same address, certificates and account for whoever reads, writes or asks."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiokafka import errors as kafka
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import create_conn

from connectors.kafka.config import KafkaConfig
from hub.errors import AccountRefused, DeliveryError, NotConnected
from hub.wire.tls import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_MAY_NOT = (
    kafka.TopicAuthorizationFailedError, kafka.GroupAuthorizationFailedError, kafka.ClusterAuthorizationFailedError,
    kafka.SaslAuthenticationFailed, kafka.AuthenticationFailedError, kafka.UnsupportedSaslMechanismError,
    kafka.IllegalSaslStateError,
)  # fmt: skip
_UNKNOWN = (kafka.UnknownTopicOrPartitionError, kafka.InvalidTopicError)


def reached(config: KafkaConfig) -> dict[str, Any]:
    """What every client of aiokafka must be told. Raises BadConfig for certificates that cannot be used."""
    sasl = config.sasl
    told: dict[str, Any] = {
        "bootstrap_servers": list(config.brokers),
        "client_id": "dossier-hub",
        "security_protocol": f"{'SASL_' if sasl else ''}{'SSL' if config.tls else 'PLAINTEXT'}",
        "request_timeout_ms": int(config.connect_timeout * 1000),
    }
    if config.tls:
        told["ssl_context"] = load(config)
    if sasl is not None:
        told |= {
            "sasl_mechanism": sasl.mechanism.upper(),
            "sasl_plain_username": sasl.username,
            "sasl_plain_password": sasl.password.get_secret_value(),
        }
    return told


async def look(config: KafkaConfig, topics: Collection[str]) -> None:
    """Do the brokers answer, with these credentials, and are these topics there? Changes nothing: asking for one topic by name
    could make it. Raises NotConnected, AccountRefused."""
    async with _client(config) as client:
        try:
            known = await client.fetch_all_metadata()
        except kafka.KafkaError as error:
            raise said(error) from None
        there = known.topics(exclude_internal_topics=False)
    if missing := sorted(set(topics) - set(there)):
        raise AccountRefused("unknown_topic", f"not there, or not shown to this account: {', '.join(missing)}")


@asynccontextmanager
async def _client(config: KafkaConfig) -> AsyncIterator[AIOKafkaClient]:
    told = reached(config)
    client = AIOKafkaClient(**told)
    try:
        try:
            await client.bootstrap()
        except kafka.KafkaError as error:
            raise await unreachable(config, error) from None
        yield client
    finally:
        await client.close()


async def unreachable(config: KafkaConfig, error: kafka.KafkaError) -> DeliveryError:
    """What an error of beginning means. It tells only that no broker was reached; a connection of our own tells whether one
    was, and refused the account."""
    told = reached(config)
    for broker in told.pop("bootstrap_servers") if config.sasl else ():
        host, _, port = broker.rpartition(":")
        try:
            connection = await create_conn(host.strip("[]"), int(port), **told)
        except _MAY_NOT as refusal:
            return said(refusal)
        except (OSError, TimeoutError, kafka.KafkaError):
            continue
        connection.close()
    return said(error)


def said(error: kafka.KafkaError) -> DeliveryError:
    """What an error means for who has sent nothing yet."""
    if isinstance(error, _MAY_NOT):
        return AccountRefused("not_allowed", f"the brokers refuse the hub's account or its rights ({type(error).__name__})")
    if isinstance(error, _UNKNOWN):
        return AccountRefused("unknown_topic", "the topic is not there, or not shown to this account")
    return NotConnected("no_broker", f"no broker answers ({type(error).__name__})")
