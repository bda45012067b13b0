"""Whatever a service answers, the program sees what it sees without us, and every span ends once."""

from __future__ import annotations

import os
import warnings
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentops_instrumentors.core import dropped
from agentops_instrumentors.core.content import ContentMode, Policy
from tests.unit.fuzzing import CALLS, VENDORS, spoilt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.in_memory import InMemory
    from tests.fakes.scripted import Reply, Request, ScriptedServer

USUAL = 10
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", USUAL))
"""For each call; more of them than usual are other ones each time."""


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, ScriptedServer]]:
    running = {name: vendor.server().start() for name, vendor in VENDORS.items()}
    yield running
    for server in running.values():
        server.stop()


@pytest.fixture(scope="module")
def clients(servers: dict[str, ScriptedServer]) -> dict[str, Any]:
    return {name: vendor.client(servers[name]) for name, vendor in VENDORS.items()}


def answered(server: ScriptedServer, reply: Callable[[Request], Reply], call: Callable[[Any], Any], client: Any) -> tuple[str, list[str]]:
    """What a call comes to, for the program."""
    server.reset()
    server.enqueue(reply)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            returned = repr(call(client))
        except Exception as error:
            returned = type(error).__qualname__
    return returned, sorted(str(warning.message) for warning in said)


@pytest.mark.parametrize(("vendor_name", "call_name"), CALLS)
@pytest.mark.parametrize("redactor", [None, str.upper], ids=["plain", "redacted"])
@settings(derandomize=EXAMPLES == USUAL, max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**64 - 1))
def test_a_spoilt_answer_is_the_vendors_own_trouble(
    vendor_name: str,
    call_name: str,
    redactor: Callable[[str], str] | None,
    seed: int,
    servers: dict[str, ScriptedServer],
    clients: dict[str, Any],
    in_memory: InMemory,
) -> None:
    vendor, server, client = VENDORS[vendor_name], servers[vendor_name], clients[vendor_name]
    reply, call = spoilt(vendor, server, Random(seed)), vendor.calls[call_name]
    in_memory.clear()
    bare = answered(server, reply, call, client)
    assert in_memory.started == 0
    instrumentor = vendor.instrumentor()
    instrumentor.instrument(**in_memory.kwargs, policy=Policy(ContentMode.SPAN_AND_EVENT, redactor=redactor))
    try:
        ours = answered(server, reply, call, client)
    finally:
        instrumentor.uninstrument()
    assert ours == bare
    dropped.flush(10)
    in_memory.assert_balanced(1)
