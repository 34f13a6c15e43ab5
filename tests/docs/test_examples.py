"""What the papers show is so: their commands are run, their configuration and messages are checked."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from ports import free_port

from docs.pages import ROOT, Block, blocks, make_home, pages
from docs.shell_session import ShellSession
from hub.assembly import examine
from hub.translation import Catalog

COLD_HUB = f'#!/bin/sh\nexec "{sys.executable}" -c "from hub.cli.main import main; main()" "$@"\n'
LOOKS = re.compile(r"hub (trace|dead list|key list|endpoint list|catalog list)\b|cat |grep |ls ")
"""Commands that only look: what they show may take a moment to be true, or to be there."""
_COLD = ("README.md",)
"""Pages on which `hub` is a fresh process: the first that a reader sees."""
_SHOWN_PORTS = ("8080", "9100", "9200")
_WITH_COMMANDS = [page for page in pages() if any(block.language == "console" for block in blocks(page))]
_WITH_DATA = [block for page in pages() for block in blocks(page) if block.language in ("yaml", "json")]


def _before(page: Path) -> list[Path]:
    """The pages to type, in order: what is written for a bad day is rehearsed on a hub that was made for it. A page that makes
    a home of its own stands alone."""
    rehearsal = ROOT / "docs" / "howto" / "rehearsal.md"
    begins = re.compile(r"^\$ hub (init|connector new) ", re.MULTILINE)
    alone = page.parent != rehearsal.parent or begins.search(page.read_text(encoding="utf-8")) is not None
    return [page] if alone else [rehearsal, page]


def _as_if_cloned(folder: Path, hub: str) -> Path:
    """A home with a Makefile, and a virtual environment that is set up already."""
    home = make_home(folder)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy2(ROOT / name, home)
    shutil.copytree(ROOT / "docs" / "howto", home / "docs" / "howto")
    commands = home / ".venv" / "bin"
    commands.mkdir(parents=True)
    pip = ROOT / "tests" / "kit" / "as_pip.py"
    for name, text in (
        ("hub", hub),
        ("python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'),
        ("pip", f'#!/bin/sh\nexec "{sys.executable}" "{pip}" "{folder.parent / "site"}" "$@"\n'),
    ):
        (commands / name).write_text(text, encoding="utf-8")
        (commands / name).chmod(0o755)
    (home / ".venv" / ".hub").touch()
    return home


def _shows(printed: list[str], line: str) -> bool:
    """Whether the words of a shown line stand side by side in what was printed; … stands for anything between them."""
    pieces = (r"\s+".join(map(re.escape, piece.split())) for piece in line.split("…"))
    return re.search(".*?".join(piece for piece in pieces if piece), " ".join(printed)) is not None


def _steps(block: Block) -> list[tuple[str, list[str]]]:
    """(command, shown lines) of a console block."""
    steps: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], []))
        elif line.strip():
            assert steps, f"{block.where}: output without a command"
            steps[-1][1].append(line)
    return steps


def _do(session: ShellSession, command: str, shown: list[str], where: str) -> None:
    """Type the command; it must end with exit code 0 and print what is shown."""
    code, printed = session.run(command)
    until = time.monotonic() + 20
    while (missing := [line for line in shown if not _shows(printed, line)]) or code != 0:
        found = f"{where}: {command} ended with {code} and does not show {missing}, but {printed}"
        assert time.monotonic() < until, found
        if command.endswith("&") and code == 0:
            printed.append(session.see())
        else:
            assert LOOKS.match(command), found
            time.sleep(0.25)  # each look is a process
            code, printed = session.run(command)


@pytest.mark.timeout(300)  # a page has up to 50 commands, each a process of its own
@pytest.mark.parametrize("page", _WITH_COMMANDS, ids=lambda page: page.name)
def test_the_commands_of_a_page_do_what_it_shows(page: Path, tmp_path: Path, warm: Path) -> None:
    """Typed in their order into one shell in a fresh copy, with free ports, each ends well and prints what the page shows."""
    home = _as_if_cloned(tmp_path / "home", COLD_HUB if page.name in _COLD else warm.read_text(encoding="utf-8"))
    ports = {shown: str(free_port()) for shown in _SHOWN_PORTS}

    def with_ports(text: str) -> str:
        return re.sub(rf"\b({'|'.join(_SHOWN_PORTS)})\b", lambda found: ports[found[0]], text)

    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path / 'site'}",
    }
    session = ShellSession(home, environment)
    try:
        for block in (one for each in _before(page) for one in blocks(each)):
            for command, shown in _steps(block) if block.language == "console" else ():
                _do(session, with_ports(command), [with_ports(line) for line in shown], block.where)
                made = re.match(r"hub (?:init (\S+)|connector new (\S+))", command)
                if made:  # the one thing that differs from what a reader has
                    config = home / (made[1] or f"hub-{made[2]}/home") / "config.yaml"
                    config.write_text(with_ports(config.read_text(encoding="utf-8")), encoding="utf-8")
    finally:
        session.close()


@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.md"])
def test_nothing_that_a_newcomer_types_is_left_out(page: str) -> None:
    """What is typed is in console blocks, which are run, but for two commands: this suite, and the demo, which has tests of
    its own. Of those the Makefile says what they start."""
    other = [line for one in blocks(ROOT / page) if one.language in ("sh", "bash", "") for line in one.text.splitlines()]
    assert other == (["make demo", "make test"] if page == "README.md" else [])
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^demo:.*\n\t@\$\(BIN\)/hub demo$", makefile, re.MULTILINE)
    assert re.search(r"^test:.*\n\t\$\(BIN\)/python -m pytest ", makefile, re.MULTILINE)


@pytest.mark.parametrize("block", _WITH_DATA, ids=lambda block: block.where)
def test_data_in_the_papers_is_valid(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A YAML block is a part of a configuration, a code table or a mapping that the hub takes in place of the shipped one;
    a JSON block is a message that fits a source schema."""
    home = make_home(tmp_path / "home")
    files = block.page.with_suffix("")  # what the reader of the page puts into the home
    if files.is_dir():
        shutil.copytree(files, home, dirs_exist_ok=True)
        if (files / "schemas").is_dir():
            (home / "schemas" / "schemas.lock").unlink()  # a home that `hub init` made has none
    for name in ("PORTAL_URL", "PORTAL_USERNAME", "PORTAL_PASSWORD", *re.findall(r"\$\{env:(\w+)\}", block.text)):
        monkeypatch.setenv(name, "http://127.0.0.1/forward")
    if block.language == "json":
        message = json.loads(block.text)
        catalog = Catalog.load([home], {"npsp-procedures@1": ("name", "field_code", "field_name")})
        catalog.schema("opencps-dossier@1").validate(message)
        return
    data: dict[str, Any] = yaml.safe_load(block.text)
    if "table" in data or "mapping" in data:
        folder = home / "mappings" / ("tables" if "table" in data else "") / str(data.get("table") or data["mapping"])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{data['version']}.yaml").write_text(block.text, encoding="utf-8")
    else:
        _into_config(home / "config.yaml", data)
    parts, problems, _ = examine(home)
    assert parts is not None, f"{block.where}: {[str(one) for one in problems]}"


@pytest.mark.parametrize("name", ["csv-every-five-minutes", "system-speaks-to-the-portal"])
def test_what_a_worked_example_puts_in_is_what_its_page_shows(name: str) -> None:
    """The pieces that its commands put into config.yaml say the same as the block that the reader sees."""
    page = ROOT / "docs" / "howto" / f"{name}.md"
    (shown,) = (yaml.safe_load(one.text) for one in blocks(page) if one.language == "yaml")
    pieces = sorted(page.with_suffix("").glob("*.yaml"))
    assert len(pieces) == 2 and all(f"/{one.name}' config.yaml" in page.read_text(encoding="utf-8") for one in pieces)
    for piece in pieces:
        given = yaml.safe_load(piece.read_text(encoding="utf-8"))
        if isinstance(given, list):
            assert given == shown["sources"]
        elif "door" in given:
            assert given["door"] == shown["endpoints"]["portal"]["settings"]["door"]
        else:
            assert given == shown["endpoints"]


def _into_config(path: Path, data: dict[str, Any]) -> None:
    """The shipped configuration with the sections of the block; routes and endpoints are put in by name."""
    config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    for section, value in data.items():
        if isinstance(value, dict) and isinstance(config.get(section), dict):
            config[section] |= value
        else:
            config[section] = value
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
