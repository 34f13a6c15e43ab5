"""Plumbing that connectors may use: an HTTP session that tells what may have arrived, and a shared sign-in."""

from hub.wire.http import Answer, HttpEndpoint, HttpSettings, unclear
from hub.wire.sign_in import SignIn

__all__ = ["Answer", "HttpEndpoint", "HttpSettings", "SignIn", "unclear"]
