"""`hub import` of an address: fetched once and whole, tried, asked again, by two at once; and hubs that are none, or fail."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ports import free_port

from imports.parts import PYTHON, ImportHome, kill, row, told, until

pytestmark = pytest.mark.xdist_group("imports-addresses")
Running = tuple[ImportHome, str]


def _command(change: str) -> tuple[str, ...]:
    return (*PYTHON, "-c", f"{change}\nfrom hub.cli.main import main; main()")


@contextmanager
def _serving(contents: list[bytes]) -> Iterator[tuple[str, list[str]]]:
    """An address that gives one content after the other, the last again and again; and what was asked."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            content = contents.pop(0) if len(contents) > 1 else contents[0]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            for at in range(0, len(content), 1000):
                self.wfile.write(content[at : at + 1000])
                time.sleep(0.005)  # a line of little width

        def log_message(self, *_: object) -> None:
            pass

    with _server(Answer) as address:
        yield address, asked


@contextmanager
def _server(answer: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", free_port()), answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _lines(*numbers: int) -> bytes:
    return "".join(json.dumps(row(number)) + "\n" for number in numbers).encode()


def test_an_address_that_was_tried_is_asked_again(running: Running) -> None:
    """A dry run keeps no copy that would be taken for the file later, nor does --again take an old one."""
    home, key = running
    with _serving([_lines(400), _lines(400, 401), _lines(400, 401, 402)]) as (address, asked):
        words = (f"{address}/tried.jsonl", "--schema", "record@1")
        assert home.imported("", *words, "--dry-run")["counts"] == {"accepted": 1}
        assert home.imported(key, *words)["counts"] == {"accepted": 2}
        never = "import asyncio\nfrom hub.cli import import_rows\nasync def never(self):\n    await asyncio.sleep(600)\n"
        process = home.begin_import(key, *words, command=_command(f"{never}import_rows.Rows._send_all = never"))
        until("it was fetched", lambda: list((home.folder / "var" / "imports").glob("*-tried.jsonl")))
        kill(process)
        before = len(asked)
        assert home.imported(key, *words, "--again")["counts"] == {"accepted": 1, "known": 2}
        assert len(asked) == before + 1


def test_two_fetch_one_address(running: Running) -> None:
    """The one that began takes it in; the other is told so, and spoils nothing."""
    home, key = running
    numbers = range(20_000, 21_500)
    with _serving([_lines(*numbers)]) as (address, asked):
        words = (f"{address}/slow.jsonl", "--schema", "record@1", "--waiting", "5000")
        first = home.begin_import(key, *words)
        until("it is asked", lambda: asked)
        second = home.imported(key, *words, code=1)
        assert second["error"]["problems"][0]["code"] == "under_way"
        assert told(first)["counts"] == {"accepted": len(numbers)}


@pytest.mark.parametrize(
    "address", ["http://", "http://[::1/a.jsonl", "http://127.0.0.1:99999/a.jsonl", "http://\udce5/a.jsonl"]
)
def test_an_address_that_is_none(running: Running, address: str) -> None:
    home, key = running
    said = home.imported(key, address, "--endpoint", "desk", code=1)
    assert [one["code"] for one in said["error"]["problems"]] == ["not_given"]


def test_what_an_address_hides_stays_hidden(running: Running) -> None:
    """Password and parameters of an address stand in no file."""
    home, key = running
    with _serving([_lines(500)]) as (address, _):
        secret = address.replace("http://", "http://user:geheim@") + "/hidden.jsonl?token=geheim"
        said = home.imported(key, secret, "--schema", "record@1")
    assert "geheim" not in json.dumps(said)
    assert not [one for one in (home.folder / "var" / "imports").iterdir() if b"geheim" in one.read_bytes()]


def test_what_answers_is_no_hub(running: Running) -> None:
    """A web server that gives a page to everybody."""
    home, key = running
    file = str(home.rows("few.jsonl", [row(600)]))
    with _serving([b"<html>"]) as (address, _):
        said = home.imported(key, file, "--schema", "record@1", "--url", address, code=4)
    assert "is no hub" in said["error"]["message"]


@pytest.mark.parametrize(("hangs_at", "times"), [("POST", 1), ("POST", 2), ("GET", 1)])
def test_a_hub_that_hangs_can_be_left(running: Running, hangs_at: str, times: int) -> None:
    """It does not answer who sends, or not even who greets it: Ctrl-C ends within its grace, a second one at once."""
    home, key = running
    file = str(home.rows("few.jsonl", [row(800 + number) for number in range(3)]))
    came, over = threading.Event(), threading.Event()

    class Hangs(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if hangs_at == "GET":
                return self.do_POST()
            content = b'{"sender": "one-stop", "endpoints": {}}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            came.set()
            over.wait(60)

        def log_message(self, *_: object) -> None:
            pass

    grace = f"from hub.cli import import_run\nimport_run.GRACE_SECONDS = {0.5 if times == 1 else 60}\n"
    with _server(Hangs) as address:
        process = home.begin_import(key, file, "--schema", "record@1", "--url", address, command=_command(grace))
        assert came.wait(30)
        process.send_signal(signal.SIGINT)
        if times == 2:
            process.send_signal(signal.SIGTERM)  # another SIGINT could become one with the first
        said = told(process, 130, seconds=20)
        over.set()
    assert (said["stopped"], said["counts"]) == ("interrupted", {})
    assert [one["ended"] for one in said["files"]] == ([] if hangs_at == "GET" else [False])


@pytest.mark.parametrize(
    ("status", "content", "code", "says"),
    [(500, b'{"title": "The hub failed"}', 1, "The hub failed; it was sent records 1 to 3"), (200, b"<html>", 4, "is no hub")],
)
def test_a_hub_that_fails(running: Running, status: int, content: bytes, code: int, says: str) -> None:
    """The import ends with what was sent when it did, or when patience does; nothing counts as taken."""
    home, key = running
    file = str(home.rows("few.jsonl", [row(700 + number) for number in range(3)]))

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._tell(200, b'{"sender": "one-stop", "endpoints": {}}')

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._tell(status, content)

        def _tell(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with _server(Answer) as address:
        said = home.imported(key, file, "--schema", "record@1", "--url", address, "--patience", "1", code=code)
    assert says in said["stopped"]
    assert (said["counts"], said["files"][0]["ended"]) == ({}, False)
