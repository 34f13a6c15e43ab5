"""A real Apache Kafka on this machine: one process, broker and controller, started and stopped by the tests as often as wanted.

Its files come from Maven Central by ``pom.xml`` beside this file (``.ci/setup`` puts them into .venv/kafka).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from authority import Authority
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from ports import free_port
from system_parts import absent

JARS = Path(sys.prefix) / "kafka"
USER, PASSWORD = "dossier-hub", "mat-khau-mo-phong"
_DEADLINE = 60.0
_JVM = ("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
_JAAS = "org.apache.kafka.common.security"


class Broker:
    """``start`` and ``stop`` as often as wanted: always on the same ports, with what it had. Plain for whoever comes by
    ``address`` (who may do everything there), TLS and SASL at ``secure_address``."""

    def __init__(self, folder: Path) -> None:
        java = shutil.which("java")
        if java is None or not any(JARS.glob("kafka_*.jar")):
            absent("Apache Kafka (java, and the files of tests/kafka/broker/pom.xml in .venv/kafka)")
        self.folder = folder
        self._java = [java, *_JVM, "-cp", f"{JARS}/*"]
        self._process: subprocess.Popen[bytes] | None = None
        plain, secure, controller = free_port(), free_port(), free_port()
        self.address, self.secure_address = f"127.0.0.1:{plain}", f"localhost:{secure}"
        self.ca_file = folder / "ca.pem"
        authority = Authority("tests")
        self.ca_file.write_bytes(authority.pem)
        certificate, key = authority.issue("broker")
        (folder / "broker.pem").write_bytes(key + certificate)
        self._settings = folder / "server.properties"
        told = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://{self.address},SASL_SSL://127.0.0.1:{secure},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.address},SASL_SSL://{self.secure_address}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": folder / "data",
            "num.partitions": 3,
            "offsets.topic.num.partitions": 1,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "log.cleaner.enable": "false",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "true",
            "super.users": "User:ANONYMOUS",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": folder / "broker.pem",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            "listener.name.sasl_ssl.plain.sasl.jaas.config": (
                f'{_JAAS}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
            ),
            **{
                f"listener.name.sasl_ssl.scram-sha-{bits}.sasl.jaas.config": f"{_JAAS}.scram.ScramLoginModule required;"
                for bits in (256, 512)
            },
        }
        self._settings.write_text("".join(f"{name}={value}\n" for name, value in told.items()))
        account = [f"SCRAM-SHA-{bits}=[name={USER},password={PASSWORD}]" for bits in (256, 512)]
        words = ["kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", str(self._settings)]
        with (folder / "format.log").open("wb") as log:
            subprocess.run(
                [*self._java, *words, *(word for one in account for word in ("--add-scram", one))],
                check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=_DEADLINE,
            )  # fmt: skip

    @property
    def settings(self) -> dict[str, Any]:
        """What an endpoint must be told to come here."""
        return {"brokers": [self.address], "tls": False}

    @property
    def admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.address})

    def start(self) -> None:
        """Returns when it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._java, "kafka.Kafka", str(self._settings)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        end = time.monotonic() + _DEADLINE
        while True:
            assert self._process.poll() is None and time.monotonic() < end, (self.folder / "log").read_text()[-2000:]
            try:
                if AdminClient({"bootstrap.servers": self.address, "log_level": 0}).list_topics(timeout=1).brokers:
                    return
            except KafkaException:
                continue

    def stop(self) -> None:
        """At once, as when its machine fails: what was acknowledged is in its files."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_DEADLINE)
            self._process = None

    def freeze(self) -> None:
        """It keeps its connections and says nothing: returns when each of its threads stands still."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        end = time.monotonic() + _DEADLINE
        while any(_state(task) != "T" for task in Path(f"/proc/{self._process.pid}/task").iterdir()):
            assert time.monotonic() < end
            time.sleep(0.001)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)


def _state(task: Path) -> str:
    """Of a thread, as the kernel has it; one that has ended stands still."""
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "T"


class Given:
    """A broker that is there already (KAFKA_BOOTSTRAP_SERVERS): used as it is."""

    def __init__(self, address: str) -> None:
        self.address = address

    @property
    def settings(self) -> dict[str, Any]:
        return {"brokers": self.address.split(","), "tls": False}

    @property
    def admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.address})
