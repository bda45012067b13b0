"""Functions that the SDK calls. Early versions of it cannot read annotations that are evaluated later, so these are not."""

import asyncio

from opentelemetry.trace import get_current_span


def tides(port: str) -> str:
    """The tides of a port."""
    assert get_current_span().name == "execute_tool tides"
    return f"high at {port}"


async def depth(port: str) -> int:
    assert get_current_span().name == "execute_tool depth"
    await asyncio.sleep(0)
    return len(port)


def broken(port: str) -> str:
    raise LookupError(port)


def silent(port: str) -> str:
    return port
