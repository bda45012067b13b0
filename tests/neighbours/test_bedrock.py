"""One counted span a Bedrock call, whoever is there to make it, in any order; what a neighbour does not count is ours."""

from __future__ import annotations

import asyncio
import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
from openinference.instrumentation.bedrock import BedrockInstrumentor as OpenInference
from opentelemetry.instrumentation.bedrock import BedrockInstrumentor as OpenLLMetry
from opentelemetry.instrumentation.botocore import AiobotocoreInstrumentor, BotocoreInstrumentor
from opentelemetry.instrumentation.genai.bedrock import BedrockInstrumentor as Official

from agentops_instrumentors.bedrock import BedrockInstrumentor as Ours
from agentops_instrumentors.core import cost, dropped
from tests.fakes.aws_bedrock import FakeBedrock
from tests.providers.bedrock.vendor import PLAIN, SAID, STREAMS, async_clients, clients, invoking, opening
from tests.providers.differential import settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.in_memory import InMemory

MODEL: Final = "meta.llama3-8b-instruct-v1:0"
OURS: Final = "agentops_instrumentors.bedrock"
MODELS: Final = {"converse", "converse stream", "invoke", "invoke stream"}
AGENTS: Final = {"agent stream", "retrieve", "generate", "generate stream"}
EVERY: Final = MODELS | AGENTS | {"guardrail", "rerank"}
NEIGHBOURS: Final[dict[str, tuple[type[Any], set[str], set[str]]]] = {
    "botocore": (BotocoreInstrumentor, MODELS, set()),
    "aiobotocore": (AiobotocoreInstrumentor, set(), set()),
    "official": (Official, MODELS | AGENTS, MODELS | AGENTS),
    "openinference": (OpenInference, EVERY - {"rerank"}, EVERY - {"rerank"}),
    "openllmetry": (OpenLLMetry, MODELS, MODELS),
}
"""Each with what it counts of synchronous and of asynchronous clients."""
EXPECTED: Final = {
    "converse": f"chat {MODEL}",
    "converse stream": f"chat {MODEL}",
    "invoke": f"text_completion {MODEL}",
    "invoke stream": f"text_completion {MODEL}",
    "agent stream": "invoke_agent",
    "retrieve": "retrieval meta.llamx",
    "generate": f"chat {MODEL}",
    "generate stream": f"chat {MODEL}",
    "guardrail": "apply_guardrail meta.llam",
    "rerank": "retrieval",
}


async def use(client: Any, mode: str) -> None:
    for surface in ("converse", "guardrail", "retrieve", "generate", "rerank"):
        await settle(PLAIN[surface](client, MODEL))
    await settle((await invoking(MODEL)(client))["body"].read())
    for surface in STREAMS:
        stream = (await opening(surface, MODEL)(client)).stream
        if mode == "sync":
            list(stream)
        else:
            [event async for event in stream]


def work(server: FakeBedrock, mode: str) -> None:
    if mode == "async":
        asyncio.run(_work_async(server))
        return
    made = clients(server.url)
    try:
        use(made, mode).send(None)
    except StopIteration:
        pass
    made.runtime.close()
    made.agents.close()


async def _work_async(server: FakeBedrock) -> None:
    made = await async_clients(server.url)
    await use(made, "async")
    await made.runtime.close()
    await made.agents.close()


@contextmanager
def installed(*kinds: type[Any]) -> Iterator[None]:
    for kind in kinds:
        kind().instrument()
    try:
        yield
    finally:
        for kind in reversed(kinds):
            kind().uninstrument()


def ours(telemetry: InMemory) -> list[str]:
    gc.collect()
    dropped.flush(10)
    return sorted(span.name for span in telemetry.spans() if span.instrumentation_scope and span.instrumentation_scope.name == OURS)


def expected(neighbour: str, mode: str) -> list[str]:
    _, counted, counted_async = NEIGHBOURS[neighbour]
    return sorted(EXPECTED[name] for name in EVERY - (counted if mode == "sync" else counted_async))


@pytest.fixture
def server() -> Iterator[FakeBedrock]:
    with FakeBedrock() as running:
        yield running


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("first", ["ours", "neighbour"])
@pytest.mark.parametrize("neighbour", NEIGHBOURS)
def test_one_counted_span_a_call(everything: InMemory, server: FakeBedrock, neighbour: str, first: str, mode: str) -> None:
    order = (Ours, NEIGHBOURS[neighbour][0]) if first == "ours" else (NEIGHBOURS[neighbour][0], Ours)
    with installed(*order):
        work(server, mode)
    assert ours(everything) == expected(neighbour, mode)


@pytest.mark.parametrize("first", ["ours", "neighbour"])
@pytest.mark.parametrize(("neighbour", "lost"), [("botocore", {"invoke-with-response-stream"}), ("official", set[str]())])
def test_tokens_are_the_services_bill(everything: InMemory, server: FakeBedrock, neighbour: str, lost: set[str], first: str) -> None:
    """`lost` is what the neighbour itself never ends a span for: Meta's streams."""
    order = (Ours, NEIGHBOURS[neighbour][0]) if first == "ours" else (NEIGHBOURS[neighbour][0], Ours)
    with installed(*order):
        work(server, "sync")
    found = [dict(span.attributes or {}) for span in everything.spans()]
    counted = [attributes for attributes in found if "gen_ai.usage.input_tokens" in attributes]
    bill = [entry for entry in server.served() if entry.path.rpartition("/")[2] not in lost]
    assert len(counted) == len(bill)
    assert sum(attributes["gen_ai.usage.input_tokens"] for attributes in counted) == sum(entry.input_tokens for entry in bill)
    assert sum(attributes["gen_ai.usage.output_tokens"] for attributes in counted) == sum(entry.output_tokens for entry in bill)


def test_a_neighbour_that_leaves_gives_its_calls_back(everything: InMemory, server: FakeBedrock) -> None:
    with installed(Ours):
        with installed(BotocoreInstrumentor):
            work(server, "sync")
        everything.clear()
        work(server, "sync")
        assert ours(everything) == sorted(EXPECTED.values())


@pytest.mark.parametrize("mode", ["force", "off"])
def test_a_program_may_want_both(everything: InMemory, server: FakeBedrock, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setenv("AGENTOPS_INSTRUMENTATION_CONFLICT", mode)
    with installed(BotocoreInstrumentor, Ours):
        work(server, "sync")
    assert ours(everything) == sorted(EXPECTED.values())


@pytest.mark.parametrize("first", ["ours", "neighbour"])
@pytest.mark.parametrize("neighbour", ["botocore", "official"])
def test_a_neighbours_span_is_told_what_the_call_cost(everything: InMemory, server: FakeBedrock, neighbour: str, first: str) -> None:
    assert cost.ready(30)
    order = (Ours, NEIGHBOURS[neighbour][0]) if first == "ours" else (NEIGHBOURS[neighbour][0], Ours)
    with installed(*order):
        made = clients(server.url)
        made.runtime.converse(modelId="us.amazon.nova-pro-v1:0", messages=SAID)
        list(made.runtime.converse_stream(modelId="us.amazon.nova-pro-v1:0", messages=SAID)["stream"])
        made.runtime.close()
        made.agents.close()
    told = [(span.attributes or {}).get("agentops.usage.cost.amount") for span in everything.spans()]
    price = pytest.approx((18 * 0.8 + 13 * 3.2) / 1e6)
    # The botocore instrumentation ends a stream's span at the event that says the usage, before its end.
    assert told == [price, None if neighbour == "botocore" else price]
    assert ours(everything) == []
