"""Real processes: a simulator, the hub, and the shell beside the running hub."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from warm_hub import COLD

from cli.parts import CANARY, HUB, Home, Run, process, record, until

CODE = "000.00.10.H22-261121-0001"


@pytest.fixture
def key(home: Home, hub: Run) -> str:
    return hub("key", "new", "one-stop", "--schema", "record", shows_key=True).stdout.strip()


@contextmanager
def door(*answers: tuple[int, dict[str, str]]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A hub's door that answers as told, one after the other, the last for ever; (URL, headers of each request)."""
    seen: list[dict[str, str]] = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = answers[min(len(seen), len(answers) - 1)]
            seen.append(dict(self.headers))
            told = {"arrival": "a", "state": "accepted", "messages": []} if status == 202 else {"detail": "the disk is full"}
            body = json.dumps(told).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_hub_takes_messages_until_it_is_told_to_end(
    home: Home, hub: Run, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From `hub run` to receipts, trace, repair beside it, reload, and exit code 0 on SIGTERM."""
    messages = home.records("in.jsonl", record(), record("second", state="B"), {"code": "third"})
    send = ("send", str(messages), "--schema", "record@1")
    monkeypatch.setattr("cli.parts.HUB", COLD)
    with process(home.folder, "run") as (running, url):
        first = hub(*send, "--url", url, "--json", code=1, HUB_KEY=key).json
        assert [one["outcome"] for one in first["results"]] == ["accepted", "kept", "refused"]
        assert first["counts"] == {"accepted": 1, "kept": 1, "refused": 1}
        assert first["results"][2]["at"].endswith("in.jsonl:3")
        assert first["results"][2]["problem"]["errors"]
        again = hub(*send, code=1, HUB_KEY=key, HUB_URL=url).stdout
        assert "accepted 0, known 2, refused 1" in again and "refused 422" in again
        assert "has no row in the table state" in hub("dead", "list").stdout
        home.mend_table()
        running.send_signal(signal.SIGHUP)
        until(lambda: "reloaded" in (home.folder / "var" / "hub.log").read_text())
        later = home.records("later.jsonl", record("fourth", state="B"))
        assert hub("send", str(later), "--schema", "record@1", "--url", url, "--json", HUB_KEY=key).json["counts"] == {
            "accepted": 1
        }
        assert hub("dead", "replay", "--all", "--kept", "--json").json["results"][0]["outcome"] == "accepted"
        assert hub("trace", "second", "--json").json["timeline"]
        assert "in_use" in subprocess.run([*HUB, "--home", str(home.folder), "run"], capture_output=True, text=True, timeout=60,
                                          check=False).stderr  # fmt: skip
    log = (home.folder / "var" / "hub.log").read_text()
    assert '"stopped"' in log and CANARY not in log and key not in log


def test_ctrl_c_is_an_orderly_end(home: Home) -> None:
    """SIGINT drains like SIGTERM; with --json the address is one JSON document."""
    env = {**os.environ, "HUB_HOME": str(home.folder)}
    running = subprocess.Popen([*HUB, "run", "--json"], env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        assert json.loads(running.stdout.readline())["listening"].startswith("http://127.0.0.1:")
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 0
    finally:
        running.kill()
        running.communicate()


def test_send_stops_when_the_key_is_not_known(home: Home, hub: Run) -> None:
    """A wrong key would be refused for every message: it stops at the first, exit code 1, and shows no key."""
    messages = home.records("in.jsonl", record(), record("second"))
    with process(home.folder, "run") as (_, url):
        told = hub(
            "send", str(messages), "--schema", "record@1", "--url", url, "--json", code=1, HUB_KEY=f"hub_{'A' * 43}"
        ).json
    assert len(told["results"]) == 1 and told["results"][0]["status"] == 401 and told["stopped"]


def test_send_tries_again_when_the_hub_is_busy(home: Home, hub: Run) -> None:
    """503 is not a refusal: the same message goes again with the same Idempotency-Key."""
    messages = home.records("in.jsonl", record())
    with door((503, {"Retry-After": "0"}), (202, {})) as (url, seen):
        told = hub("send", str(messages), "--schema", "record@1", "--url", url, "--json", HUB_KEY="k").json
    assert told["counts"] == {"accepted": 1} and len(seen) == 2
    assert seen[0]["Idempotency-Key"] == seen[1]["Idempotency-Key"] and seen[0]["Idempotency-Key"].startswith("sha256-")


def test_who_waits_in_vain_is_told_why_in_the_hubs_words(home: Home, hub: Run) -> None:
    """After the status, on the same line."""
    messages = home.records("in.jsonl", record())
    with door((503, {"Retry-After": "0"})) as (url, _):
        said = hub("send", str(messages), "--schema", "record@1", "--url", url, "--patience", "0", code=4, HUB_KEY="k")
    assert "is not available (status 503: the disk is full)" in said.stderr


def test_a_hub_that_is_away_is_exit_code_4(home: Home, hub: Run) -> None:
    """After its patience send says from which message on nothing was sent."""
    messages = home.records("in.jsonl", record())
    said = hub(
        "send", str(messages), "--schema", "record@1", "--url", "http://127.0.0.1:9", "--patience", "0", code=4, HUB_KEY="k"
    )
    assert "in.jsonl:1" in said.stderr and "harmless" in said.stderr
    assert "the hub at http://127.0.0.1:9 is not available (nothing answers there; is `hub run` running?)" in said.stderr


def test_send_reads_files_lines_and_standard_input(home: Home, hub: Run) -> None:
    """A .json file is one message however long; - is one a line; an id of the record's own becomes the Idempotency-Key."""
    whole = home.write("one.json", json.dumps(record(), indent=2))
    lines = "".join(json.dumps({**record(), "id": one}) + "\n\n" for one in ("m-1", "m-2"))
    with door((202, {})) as (url, seen):
        more = ("--schema", "record@1", "--url", url)
        assert "sent 1: accepted 1" in hub("send", str(whole), *more, HUB_KEY="k").stdout
        hub("send", "-", *more, "--idempotency-key-from", "/id", input=lines, HUB_KEY="k")
        told = hub("send", str(whole), *more, "--idempotency-key-from", "/id", "--json", code=1, HUB_KEY="k").json
    assert [one["Idempotency-Key"] for one in seen[1:]] == ["m-1", "m-2"]
    assert told["results"][0]["problem"]["errors"][0]["pointer"] == "/id"


def test_send_is_used_wrongly(home: Home, hub: Run) -> None:
    """No key, no such file, a schema or pointer that is none: exit code 2, before anything is sent."""
    file = str(home.records("in.jsonl", record()))
    hub("send", file, "--schema", "record@1", code=2)
    hub("send", "missing.jsonl", "--schema", "record@1", code=2, HUB_KEY="k")
    hub("send", file, "--schema", "record", code=2, HUB_KEY="k")
    hub("send", file, "--schema", "record@1", "--idempotency-key-from", "id", code=2, HUB_KEY="k")
    hub("send", file, "--schema", "record@1", "--url", "nonsense", code=2, HUB_KEY="k")


def test_the_portal_answers_and_its_table_is_fetched(home: Home, hub: Run) -> None:
    """`endpoint check` finds the simulator; `catalog refresh` writes a version, nothing when it is unchanged, and says what
    changed; a row that lacks a column is left out and named, never made up."""
    with process(home.folder, "simulate", "national-portal", "--state", str(home.folder / "portal.db")) as (_, url):
        home.configure(url)
        assert hub("endpoint", "check", "portal").stdout.strip() == "portal: answers"
        assert hub("endpoint", "check", "--all", "--json").json["endpoints"] == [{"endpoint": "portal", "ok": True}]
        (first,) = hub("catalog", "refresh", "--json").json["tables"]
        assert first["outcome"] == "written" and first["first"] and Path(first["file"]).is_file() and first["rows"] > 5
        assert "nothing written" in hub("catalog", "refresh", "--endpoint", "portal").stdout
    table = Path(first["file"])
    assert "1 error" not in hub("check").stdout and hub("check", "--json").json["warnings"] == []
    added = json.dumps([{"code": "9.000001", "name": "A new one", "field_code": "G99", "field_name": "New"},
                        {"code": "9.000002", "name": "No field", "field_code": "", "field_name": ""}])  # fmt: skip
    with process(home.folder, "simulate", "national-portal", "--set", f"procedures={added}") as (_, url):
        home.configure(url)
        said = hub("catalog", "refresh").stdout
        assert "added: 9.000001" in said and "removed" not in said
        assert "left out, as a column is missing: 9.000002" in said and "field_code (1)" in said
    assert table.is_file() and len(list(table.parent.glob("*.yaml"))) == 2


def test_an_unknown_simulator_or_setting_is_refused(hub: Run) -> None:
    """Named with those that exist; a wrong setting by its name, not its value."""
    assert "national-portal" in hub("simulate", "nonsense", code=3).stderr
    said = hub("simulate", "national-portal", "--set", "sesion_seconds=CANARY-VALUE", code=1).stderr
    assert "sesion_seconds" in said and "CANARY-VALUE" not in said
    hub("simulate", "national-portal", "--set", "nonsense", code=2)


def test_a_demonstration_is_played_by_name(tmp_path: Path, home: Home) -> None:
    """An installed demonstration gets what follows its name; its exit code is the command's."""
    (tmp_path / "played.py").write_text("def play(argv):\n    print('played', argv)\n    return 5\n")
    info = tmp_path / "played-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: played\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[hub.demos]\nplayed = played:play\n")

    def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
        return subprocess.run([*HUB, "demo", *arguments], env=env, capture_output=True, text=True, timeout=60, check=False)

    ran = demo("played", "--count", "3")
    assert (ran.returncode, ran.stdout) == (5, "played ['--count', '3']\n"), ran.stderr
    unknown = demo("nonsense")
    assert unknown.returncode == 3 and "played" in unknown.stderr
