"""The papers hold together: links lead somewhere, named commands exist, lengths are kept, nothing private is in them."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from docs.pages import ROOT, blocks, pages, prose
from hub.cli.main import app

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_INLINE = re.compile(r"`([^`\n]+)`")
_COMMAND = re.compile(r"(?:^|[\s;|&(])hub((?: +[^\s;|&()<>]+)*)")
_MAKE = re.compile(r"\bmake ([a-z.][a-z./]*)")


def _commands(page: Path) -> list[str]:
    """Everything typed on a page: console and shell blocks, and inline code."""
    lines = {
        kind: [line for one in blocks(page) if one.language == kind for line in one.text.splitlines()]
        for kind in ("console", "sh")
    }
    typed = [line[2:] for line in lines["console"] if line.startswith("$ ")]
    return typed + lines["sh"] + _INLINE.findall(prose(page))


@cache  # typer builds all commands anew at each call
def _root() -> Any:
    return typer.main.get_command(app)


def _named() -> list[tuple[str, str]]:
    """(page, arguments of ``hub``) of every command that the papers name."""
    found: list[tuple[str, str]] = []
    for page in pages():
        for text in _commands(page):
            if text.startswith(("hub/", "hub.")):
                continue
            found += [(page.name, match[1].strip()) for match in _COMMAND.finditer(text)]
    return found


def _options(command: Any) -> set[str]:
    return {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}


def test_the_papers_name_commands() -> None:
    """The search for commands finds some: a search that finds nothing would prove nothing."""
    assert len(_named()) > 40


@pytest.mark.parametrize(("page", "arguments"), sorted(set(_named())))
def test_every_command_and_option_named_in_the_papers_exists(page: str, arguments: str) -> None:
    """`hub dead replay --kept`: words name groups and commands of the shell until one is found, options are its own."""
    command, known = _root(), _options(_root())
    for word in arguments.split():
        below = getattr(command, "commands", None)
        if word.startswith("--"):
            assert word.partition("=")[0] in known, f"{page}: hub {arguments}: there is no {word}"
        elif below is not None and re.fullmatch(r"[a-z]+", word):
            assert word in below, f"{page}: hub {arguments}: there is no command {word}"
            command = below[word]
            known = known | _options(command)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link names a file or folder of the repository."""
    for target in _LINK.findall(prose(page)):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target.partition("#")[0]).exists(), f"{page.name}: {target} is not there"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_make_targets_named_in_the_papers_exist(page: Path) -> None:
    """`make demo` and the like are rules of the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(VENV)", ".venv")
    for text in _commands(page):
        for target in _MAKE.findall(text):
            assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), f"{page.name}: make {target} is not there"


def test_the_readme_is_short_enough_to_be_read() -> None:
    """At most 150 lines."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_decisions_are_numbered_short_and_complete() -> None:
    """Each has at most 40 lines, the number of its file, and says context, decision and consequences; the list names all."""
    listed = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    found = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [path.name[:4] for path in found] == [f"{number:04}" for number in range(1, len(found) + 1)]
    for path in found:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 40, path.name
        assert lines[0].startswith(f"# {path.name[:4]} "), path.name
        assert [line for line in lines if line.startswith("## ")] == ["## Context", "## Decision", "## Consequences"], path.name
        assert path.name in listed, path.name


def test_the_glossary_gives_each_word_once() -> None:
    """No word is explained twice."""
    text = (ROOT / "docs" / "concepts.md").read_text(encoding="utf-8").partition("## Glossary")[2]
    words = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(words) > 30
    assert len(set(words)) == len(words)


def test_no_package_index_and_no_path_of_a_machine_is_in_the_repository() -> None:
    """The project builds anywhere: no file names where packages are fetched from or where somebody's copy lies."""
    private = _private()
    found = []
    for path in _tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}:{number}" for number, line in enumerate(text.splitlines(), 1) if private.search(line)
        ]
    assert found == []


def test_the_search_for_private_places_finds_them() -> None:
    """Index addresses, pip's options for them and absolute paths of a machine are found; paths of the project are not."""
    told = [
        "https://" + "py" + "pi.org/x",
        "--" + "index-url x",
        "http://mirror.example/" + "simple",
        '"/' + "work/main",
        "file:///" + "root/x",
    ]
    assert [text for text in told if not _private().search(text)] == []
    assert [text for text in ("hub/home/schemas", "$HOME/home/x", "a framework/main") if _private().search(text)] == []


def _private() -> re.Pattern[str]:
    """Built from pieces, so that this file is none of its own findings."""
    hosts = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.org"]
    options = ["--" + option for option in ("index-" + "url", "extra-index-" + "url", "trusted-" + "host", "find-" + "links")]
    fixed = "|".join(re.escape(one) for one in [*hosts, *options])
    return re.compile(
        rf"{fixed}|https?://[^\s\"']+/simp" + r"le\b" + r"|(?<![\w.}$)*-])/(?:wor" + r"k|roo" + r"t|hom" + r"e)/\w"
    )


def _tracked() -> list[Path]:
    """The files of the repository: those git knows or would take, else all but what is generated."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0:
        names = listed.stdout.decode().split("\0")
        return [ROOT / name for name in names if name and (ROOT / name).is_file()]
    generated = {".venv", "__pycache__", "var", ".git"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not generated & set(path.relative_to(ROOT).parts)]
