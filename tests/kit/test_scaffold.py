"""What ``hub connector new`` writes works as it stands: its own tests, its home, its lines; and no name leads it astray."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from system_parts import absent

from hub.config import PACKAGED
from hub.errors import BadConfig
from hub.testing.scaffold import KINDS, Names, write
from kit.packages import HUB, ROOT, put, run

pytestmark = pytest.mark.timeout(240)
_LINES = 60
_EACH = """
import os, sys
import pytest
import hub.assembly
import hub.testing.suite as suite
from functools import partial
if not os.environ.get("SOAK"):  # each fault at some calls, in the long form at every one
    suite.examine = partial(suite.examine, everywhere=False)
for folder in sys.argv[1:]:
    if not (child := os.fork()):
        os.chdir(folder)
        sys.path[:0] = [folder, os.path.join(os.path.dirname(folder), "site")]
        code = pytest.main(["-q", "-rA", "-p", "no:cacheprovider"])
        sys.stdout.flush()
        os._exit(code)
    if code := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        sys.exit(code)
"""
"""The tests of each folder in a process of its own, for which what they share is imported once."""


def _new(kind: str, folder: Path, name: str = "land-registry") -> tuple[Path, dict[str, str]]:
    package = folder / f"hub-{name}"
    write(Names.of(name), kind, package)
    return package, put(package, folder / "site")


def test_their_own_tests_pass_at_once(tmp_path: Path) -> None:
    """Of each kind one, alone beside the hub and found by its entry points; every check of the suite is there."""
    folders = [str(_new(kind, tmp_path / kind, f"my-{kind}")[0]) for kind in KINDS]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    printed = run(sys.executable, "-c", _EACH, *folders, folder=tmp_path, environment=environment)
    passed = [line for line in printed.splitlines() if line.startswith("PASSED ")]
    for word in ("test_home.py::", "[says_nothing_personal]", "[leaves_nothing_behind]"):
        assert sum(word in line for line in passed) == len(KINDS), printed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["land-registry", "zz", "registry-of-motor-cars-1"])
def test_what_is_written_is_well_formed_for_any_name(kind: str, name: str, tmp_path: Path) -> None:
    """Formatted and clean by its own settings, its connector at most 60 lines, nothing left of a template."""
    package, environment = _new(kind, tmp_path, name)
    (connector,) = package.glob("*/connector.py")
    assert len(connector.read_text(encoding="utf-8").splitlines()) <= _LINES
    for path in package.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert not path.name.endswith(".template") and "$name" not in text and "${class_name}" not in text, path
            if path.suffix == ".yaml":
                yaml.safe_load(text)
    if shutil.which("ruff") or (Path(sys.executable).parent / "ruff").exists():
        run(sys.executable, "-m", "ruff", "check", ".", folder=package, environment=environment)


def test_what_is_written_is_typed(tmp_path: Path) -> None:
    packages = {kind: _new(kind, tmp_path, f"my-{kind}")[0] for kind in KINDS}
    environment = {**os.environ, "MYPYPATH": os.pathsep.join(map(str, (*packages.values(), ROOT)))}
    command = (
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--follow-imports=silent",
        "--config-file",
        str(packages["rest"] / "pyproject.toml"),
        "--cache-dir",
        str(tmp_path),
        *(word for kind in KINDS for word in ("-p", f"my_{kind}")),
    )
    run(*command, folder=tmp_path, environment=environment)


@pytest.mark.parametrize(
    "name", ["", "Land", "land_registry", "1st", "a--b", "../x", "class", "national-portal", "hub", "x" * 25]
)
def test_a_name_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(BadConfig):
        Names.of(name)


def test_the_catalog_of_a_package_stands_before_what_came_with_the_hub(tmp_path: Path) -> None:
    """Its schemas and mappings are found by entry point; a file of the home wins over them, and they over the hub's own."""
    package, environment = _new("rest", tmp_path)
    home = package / "home"
    told = "from pathlib import Path; from hub.config import load_home; print(*load_home(Path.cwd()).layers, sep=chr(10))"
    shows = "import sys; from hub.cli.main import main; sys.argv[1:] = 'schema show land-registry-dossier@1'.split(); main()"
    *layers, shown = run(sys.executable, "-c", f"{told}; print(); {shows}", folder=home, environment=environment).split(
        "\n\n", 1
    )
    assert [Path(one).resolve() for one in layers[0].splitlines()] == [home, package / "land_registry", PACKAGED.resolve()]
    assert "land-registry-dossier@1.0.0: partner" in shown


def test_a_catalog_whose_package_is_gone_is_said(tmp_path: Path) -> None:
    package, environment = _new("rest", tmp_path)
    (entries,) = (tmp_path / "site").glob("*/entry_points.txt")
    text = entries.read_text(encoding="utf-8")
    entries.write_text(text.replace("[hub.catalogs]\nland-registry = land_registry", "[hub.catalogs]\nland-registry = gone"))
    ran = subprocess.run([*HUB, "check"], cwd=package / "home", env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1 and "no_catalog_package" in ran.stderr and "Traceback" not in ran.stderr


def test_a_wheel_of_it_installs(tmp_path: Path) -> None:
    """Built by pip and put into a folder of its own, without its sources: schemas, mappings, WSDL."""
    package, environment = _new("soap", tmp_path)
    pip, wheels = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"), tmp_path / "wheels"
    built = subprocess.run(
        [*pip, "wheel", "--no-deps", "--wheel-dir", str(wheels), str(package)], capture_output=True, text=True, timeout=200
    )
    if built.returncode and ("hatchling" in built.stderr or "Connection" in built.stderr):
        absent("hatchling, with which wheels are built")
    assert built.returncode == 0, built.stderr
    (wheel,) = wheels.glob("hub_land_registry-*.whl")
    target = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(target)  # all that pip does with a wheel that holds Python and data only
    written = {str(path.relative_to(package)) for path in (package / "land_registry").rglob("*") if path.is_file()}
    there = {str(path.relative_to(target)) for path in (target / "land_registry").rglob("*") if path.is_file()}
    assert written == there and any(one.endswith(".wsdl") for one in there)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (target, ROOT)))}
    shown = run(*HUB, "schema", "show", "land-registry-dossier@1", folder=package / "home", environment=environment)
    assert "land-registry-dossier@1.0.0" in shown
