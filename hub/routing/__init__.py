"""Routing: which routes a canonical message takes, and the explanation why."""

from hub.routing.routes import Route, Router

__all__ = ["Route", "Router"]
