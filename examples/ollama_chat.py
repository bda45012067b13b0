"""A chat with a local model: a tool it may call, and a streamed answer.

Nothing here knows about telemetry. Run it under `opentelemetry-instrument` and look at it with `agentops show latest`.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from ollama import chat

MODEL = os.environ.get("EXAMPLE_MODEL", "llama3.2")
HEIGHTS = {"Brest": 6.9, "Saint-Malo": 12.4}


def high_water(port: str) -> str:
    """How high the water stands at spring tide.

    Args:
      port: the name of the port
    """
    return f"{HEIGHTS.get(port, 5.0)} m"


def answer(question: str) -> str:
    """The model's answer, after it has looked up what it wants to know."""
    messages: list[Any] = [{"role": "user", "content": question}]
    reply = chat(MODEL, messages, tools=[high_water])
    calls = reply.message.tool_calls or ()
    if not calls:
        return reply.message.content or ""
    messages.append(reply.message)
    messages += [{"role": "tool", "content": high_water(**call.function.arguments), "tool_name": call.function.name} for call in calls]
    text = ""
    for chunk in chat(MODEL, messages, stream=True):
        text += chunk.message.content or ""
    return text


if __name__ == "__main__":
    print(answer(" ".join(sys.argv[1:]) or "How high is the water in Brest?"))
