"""The shell on a small home of its own, as tests/cli has it."""

from cli.conftest import home, hub

__all__ = ["home", "hub"]
