"""A running hub that several tests of imports share, and homes of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from imports.parts import ImportHome


@pytest.fixture(scope="module")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ImportHome]:
    """Makes homes."""
    return lambda **more: ImportHome(tmp_path_factory.mktemp("home"), **more)


@pytest.fixture(scope="module")
def running(new_home: Callable[..., ImportHome]) -> Iterator[tuple[ImportHome, str]]:
    """A home whose hub runs, and the key of its sender."""
    home = new_home()
    home.configure(more="clients: { limited: { rate: 0.001, burst: 2 } }\n")
    key = home.key()
    with home.hub():
        yield home, key
