"""A question to Claude: a tool that the SDK runs for it, and a streamed summary.

Nothing here knows about telemetry. Run it under `opentelemetry-instrument` and look at it with `agentops show latest`.
"""

from __future__ import annotations

import os
import sys

import anthropic

MODEL = os.environ.get("EXAMPLE_MODEL", "claude-haiku-4-5")
HEIGHTS = {"Brest": 6.9, "Saint-Malo": 12.4}


@anthropic.beta_tool
def high_water(port: str) -> str:
    """How high the water stands at spring tide.

    Args:
        port: the name of the port
    """
    return f"{HEIGHTS.get(port, 5.0)} m"


def answer(client: anthropic.Anthropic, question: str) -> str:
    """The model's answer, after the SDK has run the tools that it asked for."""
    runner = client.beta.messages.tool_runner(
        model=MODEL,
        max_tokens=1024,
        messages=[{"role": "user", "content": question}],
        tools=[high_water],
    )
    return "".join(block.text for block in runner.until_done().content if block.type == "text")


def summary(client: anthropic.Anthropic, text: str) -> str:
    """The same in one line, as it is written."""
    asked = {"role": "user", "content": f"Summarise in one line: {text}"}
    with client.messages.stream(model=MODEL, max_tokens=2048, messages=[asked]) as stream:
        return "".join(stream.text_stream)


if __name__ == "__main__":
    with anthropic.Anthropic() as claude:
        found = answer(claude, " ".join(sys.argv[1:]) or "How high is the water in Brest?")
        print(found)
        print(summary(claude, found))
