"""Restores what was current."""

from __future__ import annotations

from contextvars import Token
from typing import Any, cast

from opentelemetry.context import detach


def restore(token: object) -> None:
    """Undo one `attach`. Silent where the token is of another context: who finalises a dropped stream does no wrong."""
    if not isinstance(token, Token):
        # A context of another vendor's, as ddtrace's, whose tokens are its own.
        detach(cast("Any", token))
        return
    try:
        # Not `detach`: it logs an error for a token of another context. And no `cast`, which is a call, for each chunk of a stream.
        token.var.reset(token)  # pyright: ignore[reportUnknownMemberType]
    except ValueError:
        pass
