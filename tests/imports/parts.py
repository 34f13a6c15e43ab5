"""A home for imports: rows of a few fields, a partner that is a folder, and the hub and `hub import` as processes."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from cli.parts import Home
from ports import free_port
from warm_hub import Words

HUB, PYTHON = Words("hub"), Words("python")
_CONFIG = """\
store: {{ url: "sqlite:///var/hub.db" }}
server: {{ port: {port} }}
log: {{ file: var/hub.log, level: warning }}
sources:
  - {{ schema: record@1, becomes: [item@1] }}
endpoints:
  desk:
    connector: files
    settings:
      read: {{ folder: inbox, sender: one-stop, schema: record@1, format: csv, delimiter: ";", columns: {columns} }}
  portal:
    connector: files
    settings: {{ write: {{ folder: portal, format: json }} }}
    retry: {{ first_seconds: 0.1, longest_seconds: 0.2 }}
    breaker: {{ open_seconds: 0.1, longest_seconds: 0.2 }}
routes: {routes}
"""
_COLUMNS = "{ code: Số hồ sơ, state: Trạng thái, name: Người nộp }"
_ROUTES = "{ items-to-portal: { take: item@1, to: portal, as: portal-item@1%s } }"


class ImportHome(Home):
    """``only_from``: the senders whose messages go on to the folder ``portal``; everybody's when not said."""

    def __init__(self, folder: Path, *, only_from: str = "") -> None:
        self.port, self._routes = free_port(), _ROUTES % (f", from: [{only_from}]" if only_from else "")
        super().__init__(folder)
        self.portal = folder / "portal"
        self.portal.mkdir()
        (folder / "inbox").mkdir()

    def configure(self, url: str = "", more: str = "") -> None:
        self.write("config.yaml", _CONFIG.format(port=self.port, columns=_COLUMNS, routes=self._routes) + more)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def key(self, name: str = "one-stop") -> str:
        made = subprocess.run(
            [*HUB, "key", "new", name, "--schema", "*", "--json"], env=self.environment(), capture_output=True, check=True
        )
        return str(json.loads(made.stdout)["key"])

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "HUB_HOME": str(self.folder), **more}

    def look(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.folder}/var/hub.db?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()

    # ── processes
    def start_hub(self, command: Sequence[str] = (), **more: str) -> subprocess.Popen[str]:
        """``more`` is added to its environment."""
        env = self.environment(**more)
        started = subprocess.Popen([*(command or [*HUB]), "run"], env=env, stdout=subprocess.PIPE, text=True)
        assert started.stdout is not None
        assert started.stdout.readline().startswith("listening on http://")
        return started

    @contextmanager
    def hub(self, command: Sequence[str] = (), **more: str) -> Iterator[subprocess.Popen[str]]:
        started = self.start_hub(command, **more)
        try:
            yield started
        finally:
            end(started)

    def begin_import(self, key: str, *words: str, command: Sequence[str] = ()) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*(command or [*HUB]), "import", *words, "--json"], env=self.environment(HUB_KEY=key),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def imported(self, key: str, *words: str, code: int = 0) -> dict[str, Any]:
        """Run it to its end; its document."""
        return self.imported_by((), key, *words, code=code)

    def imported_by(self, command: Sequence[str], key: str, *words: str, code: int = 0) -> dict[str, Any]:
        """The same by this command."""
        return told(self.begin_import(key, *words, command=command), code)

    # ── rows
    def rows(self, name: str, records: Iterable[dict[str, str]]) -> Path:
        path = self.folder / name
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in records)
        return path


def row(number: int, state: str = "A", name: str = "Nguyễn Văn A") -> dict[str, str]:
    return {"code": f"000.00.10.H22-261121-{number:07d}", "state": state, "name": name}


def told(process: subprocess.Popen[str], code: int = 0, seconds: float = 60) -> dict[str, Any]:
    out, err = process.communicate(timeout=seconds)
    assert process.returncode == code, f"{process.returncode}: {out[-1500:]} {err[-1500:]}"
    found: dict[str, Any] = json.loads(out)
    return found


def report_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of the reports that the document names."""
    return [
        json.loads(line) for one in document["files"] if one["report"] for line in Path(one["report"]).read_text().splitlines()
    ]


def kill(process: subprocess.Popen[str]) -> None:
    """SIGKILL: it has no moment left."""
    process.kill()
    process.communicate()


def end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    if process.stdout is not None:
        process.stdout.close()


def until(what: str, condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Look again and again until the condition gives something true; fails after the deadline."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.01)
    return found


def histories(dossiers: int, states: int) -> list[dict[str, str]]:
    """Each state of all dossiers before the next of one; the last is as the first was."""
    return [row(number, name=f"tên {state % (states - 1)}") for state in range(states) for number in range(dossiers)]


def judge(home: ImportHome, rows: list[dict[str, str]], *, delivered: bool = True) -> list[str]:
    """What is wrong: rows that are lost or doubled in the hub or at the partner, or out of the order of the file."""
    wanted: dict[str, list[str]] = {}
    for one in rows:
        wanted.setdefault(one["code"], []).append(one["name"])
    found: dict[str, list[str]] = {}
    query = 'from arrivals a join bodies b on b.id = a.id where a.receipt not like \'%"state":"known"%\' order by a.ordinal'
    for body, *_ in home.look(f"select b.content {query}"):
        record = json.loads(body)
        found.setdefault(record["code"], []).append(record["name"])
    wrong = [f"{code}: {found.get(code)} for {names}" for code, names in wanted.items() if found.get(code) != names]
    if delivered:
        sent = home.look("select d.state, count(*) from deliveries d group by 1")
        wrong += [] if sent == [("delivered", len(rows))] else [f"deliveries: {sent} for {len(rows)}"]
        files = len(list(home.portal.iterdir()))
        wrong += [] if files == len(rows) else [f"{files} files for {len(rows)} rows"]
    return wrong
