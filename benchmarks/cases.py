"""What is measured: each case prepares one action on a client, repeated by the worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.shape import CHUNKS, MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"Look up the {name} of a place.",
            "parameters": {
                "type": "object",
                "properties": {
                    "place": {"type": "string", "description": "City and country."},
                    "unit": {"type": "string", "enum": ["C", "F"]},
                },
                "required": ["place"],
            },
        },
    }
    for name in ("weather", "population")
]
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"place":"Lisbon, Portugal","unit":"C"}'}}
MESSAGES = [
    {"role": "system", "content": "You are a careful travel assistant. Answer briefly and name your sources."},
    {"role": "user", "content": "What is the weather in Lisbon today, and what should I wear for a walk in the hills?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": '{"sky":"rain","degrees":14}'},
]
LONG = [{"role": "user", "content": "All work and no play makes a dull day. " * 2560}]


@dataclass(frozen=True, slots=True)
class Case:
    """One measured action. `units` is what its cost is divided by: chunks of a stream, or 1."""

    name: str
    setting: str
    prepare: Callable[[Any], Callable[[], object]]
    unit: str = "call"
    units: int = 1


def _chat(client: Any) -> Callable[[], object]:
    create = client.chat.completions.create
    return lambda: create(model=MODEL, messages=MESSAGES, tools=TOOLS, temperature=0.2, max_tokens=256)


def _long(client: Any) -> Callable[[], object]:
    create = client.chat.completions.create
    return lambda: create(model=MODEL, messages=LONG)


def _stream(client: Any) -> Callable[[], object]:
    create = client.chat.completions.create

    def drain() -> None:
        for _ in create(model=MODEL, messages=MESSAGES, stream=True, stream_options={"include_usage": True}):
            pass

    return drain


def _embeddings(client: Any) -> Callable[[], object]:
    create = client.embeddings.create
    # The vendor's client asks for base64 and decodes it by itself unless told otherwise.
    return lambda: create(model="text-embedding-3-small", input="a rainy day", encoding_format="float")


def _responses(client: Any) -> Callable[[], object]:
    create = client.responses.create
    return lambda: create(model=MODEL, instructions="Be brief.", input="What is the weather in Lisbon?", temperature=0.2)


CONTENT, NO_CONTENT, SAMPLED_OUT = "content", "no content", "sampled out"

CASES = (
    Case("chat", CONTENT, _chat),
    Case("stream", CONTENT, _stream, "chunk", CHUNKS),
    Case("embeddings", CONTENT, _embeddings),
    Case("responses", CONTENT, _responses),
    Case("100 KB prompt", CONTENT, _long),
    Case("chat", NO_CONTENT, _chat),
    Case("stream", NO_CONTENT, _stream, "chunk", CHUNKS),
    Case("chat", SAMPLED_OUT, _chat),
)

ENVIRONMENT = {
    CONTENT: {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"},
    NO_CONTENT: {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "NO_CONTENT"},
    SAMPLED_OUT: {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"},
}
"""Settings of one process; the sampler of `sampled out` is the worker's."""
