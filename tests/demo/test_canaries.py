"""No person's name, number or secret is anywhere a whole demo leaves something to read, but in the bodies themselves.

What may hold them: the senders' own record, the files that the records office left, the partners' memories, whom the
registries know, and the hub's database (bodies; erasable by themselves).
"""

from __future__ import annotations

import json
import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from kafka.parts import all_of

from demo.played import HUB, PERSONAL, Played

REPOSITORY = Path(__file__).parents[2]
pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(400)]
ITS_OWN = {"sent.jsonl", "portal.jsonl", "population.yaml", "business.yaml", "business.jsonl", "ministry.jsonl", "local.jsonl"}
ITS_OWN |= {"hub.db", "hub.db-wal", "hub.db-shm"}


def test_the_canaries_are_there_to_be_found(played: Played) -> None:
    """They did go through the hub: hundreds of them, all in the portal's memory or the hub's bodies."""
    assert len(played.canaries) > 300
    portal = (played.folder / "portal.jsonl").read_text(encoding="utf-8")
    assert len(played.leaks(json.dumps([json.loads(line) for line in portal.splitlines()], ensure_ascii=False))) > 200


def test_no_canary_in_any_file_or_file_name(played: Played) -> None:
    """Logs, stderr of every process, tables and what the demo printed, and the names of all files."""
    assert played.leaks(played.printed + played.errors) == set()
    looked = 0
    for path in played.folder.rglob("*"):
        assert played.leaks(str(path)) == set()
        left = path.parent == played.folder / "records-office" / "done"
        if path.is_file() and path.name not in ITS_OWN and not left and not _as_shipped(path, played.home):
            looked += 1
            assert played.leaks(path.read_bytes().decode("utf-8", "replace")) == set(), path
    assert looked > 5  # the log, each process's stderr, the tables that were fetched and mended
    told = [path.read_text(encoding="utf-8") for path in (played.folder / "records-office" / "failed").glob("*.errors.json")]
    assert any("/counter" in text for text in told)  # what was wrong in a file, without its values
    assert (played.home / "var" / "hub.log").stat().st_size > 10_000


def test_no_canary_in_the_event_stream(played: Played) -> None:
    """Keys, headers and values of every record, as another client finds them in the topic."""
    config = yaml.safe_load((played.home / "config.yaml").read_text(encoding="utf-8"))
    topic = config["endpoints"][config["events"]["to"]]["settings"]["events"]["topic"]
    records = all_of(played.brokers, topic, len(played.heard))
    assert {one.topic() for one in records} == {topic} and len(played.heard) > 3000
    raw = (
        part
        for one in records
        for part in (one.key(), one.value(), *(item for header in one.headers() or () for item in header))
    )
    text = "\n".join(one.decode() if isinstance(one, bytes) else one for one in raw if one)
    assert "delivery.delivered" in text and played.codes[0] in text
    assert played.leaks(text) == set()


def test_no_canary_in_what_the_shell_says(played: Played) -> None:
    """Traces, dead letters, endpoints and keys, for people and as JSON, of what was planted to go wrong too."""
    planted = [json.loads(line) for line in (played.folder / "sent.jsonl").read_text(encoding="utf-8").splitlines()]
    codes = sorted(
        {entry["code"] for entry in planted if entry.get("planted") not in (None, "duplicate", "wrong") and entry["code"]}
    )
    assert codes
    for code in codes[:3]:
        for form in ((), ("--json",)):
            said = played.shell("trace", code, *form)
            assert code in said and played.leaks(said) == set()
    for words in (("dead", "list"), ("endpoint", "list"), ("key", "list"), ("catalog", "list"), ("check",), ("lookups",)):
        assert played.leaks(played.shell(*words, "--json")) == set()


def test_no_canary_in_an_answer_or_a_metric(played: Played) -> None:
    """Error bodies for messages full of them, a dossier's timeline, /metrics, and the log of that hub."""
    secret = json.loads(played.shell("key", "new", "one-stop", "--schema", "*", "--json"))["key"]
    played.canaries.add(secret)
    lines = [json.loads(line) for line in (played.folder / "sent.jsonl").read_text(encoding="utf-8").splitlines()]
    entry = next(line for line in lines if "applicantName" in line.get("body", "") and line["planted"] is None)
    record: dict[str, Any] = json.loads(entry["body"])
    with subprocess.Popen(
        [*HUB, "--home", str(played.home), "run"],
        env=played.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as hub:
        try:
            assert hub.stdout is not None
            url = next(found[0] for line in hub.stdout if (found := re.findall(r"http://\S+", line)))
            answers = []
            for name in PERSONAL:
                person = str(record.get(name) or "Nguyễn Thị Bí Mật")
                for wrong in (
                    {**record, "dueDate": person}, {**record, "dossierId": person}, {**record, "dossierNo": person},
                    {**record, "dossierStatus": person, "referenceUid": f"x-{name}", "dossierNo": ""}, {person: record},
                ):  # fmt: skip
                    answers.append(_post(url, json.dumps(wrong, ensure_ascii=False).encode(), secret))
                answers.append(_post(url, f'{{"a": "{person}", "a": "{person}"'.encode(), secret))
            assert {status for status, _ in answers} >= {202, 400, 422}
            for _, text in answers:
                assert played.leaks(text) == set()
            assert played.leaks(_get(f"{url}/metrics", secret)) == set()
            assert played.leaks(_get(f"{url}/v1/dossiers/{entry['code']}", secret)) == set()
        finally:
            hub.terminate()
            assert played.leaks("".join(hub.communicate(timeout=30))) == set()
    assert played.leaks((played.home / "var" / "hub.log").read_text(encoding="utf-8")) == set()


def _as_shipped(path: Path, home: Path) -> bool:
    """Whether a file of the home is the repository's own, whose invented people may be called like those of the demo."""
    shipped = REPOSITORY / path.relative_to(home) if path.is_relative_to(home) else home / "none"
    return shipped.is_file() and shipped.read_bytes() == path.read_bytes()


def _post(url: str, body: bytes, key: str) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {key}", "Hub-Schema": "opencps-dossier@1", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/v1/messages", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def _get(url: str, key: str) -> str:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        text: str = answer.read().decode()
        return text
