"""What ``hub check`` says of the stream's settings, and that its description is a valid AsyncAPI document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from files.outbox import Outbox
from system_parts import absent

from events.parts import STREAM, described, endpoint, shell

SPECIFICATION = Path(__file__).parents[2] / ".venv/asyncapi/node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json"


def broken(home: Path, to: str, **stream: Any) -> set[tuple[str, str]]:
    """(place, code) of each error that ``hub check`` finds."""
    path = home / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["endpoints"][STREAM] = {"connector": "kafka", "settings": {"brokers": ["127.0.0.1:9"], "tls": False, **stream}}
    config["events"] = {"to": to}
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return {(one["at"], one["code"]) for one in shell(home, "check", code=1)["errors"]}


def test_what_hub_check_refuses(tmp_path: Path) -> None:
    """An endpoint that is not there, one whose connector publishes nothing, a cluster without a topic for events, a topic that
    the same endpoint reads."""
    home = Outbox(tmp_path).home
    topic = endpoint("127.0.0.1:9", "events")["settings"]["events"]
    assert broken(home, "nowhere", events=topic) == {("events.to", "unknown_endpoint")}
    assert broken(home, "out", events=topic) == {("events.to", "not_a_publisher")}
    reading = {"group": "g", "topics": {"records": {"schema": "record@1", "sender": "land"}}}
    assert broken(home, STREAM, read=reading) == {("events.to", "not_a_publisher")}
    reading["topics"]["events"] = reading["topics"]["records"]
    found = broken(home, STREAM, read=reading, events=topic)
    assert found == {(f"endpoints.{STREAM}.settings.read.topics.events", "feeds_itself")}
    assert {code for _, code in broken(home, STREAM, events={"topic": "events"})} == {"missing"}


def test_the_description_is_valid(tmp_path: Path) -> None:
    """By AsyncAPI's own schema; each payload is a schema of its own that only finds what is in the document."""
    if not SPECIFICATION.exists():
        absent("AsyncAPI's own JSON Schema (.venv/asyncapi)")
    document = described()
    validator = jsonschema_rs.validator_for(json.loads(SPECIFICATION.read_text(encoding="utf-8")))
    validator.validate(document)
    del document["info"]["title"]
    with pytest.raises(jsonschema_rs.ValidationError):
        validator.validate(document)
