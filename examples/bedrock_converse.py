"""A question to a model on AWS Bedrock: a tool it may call, and a streamed answer.

Nothing here knows about telemetry. Run it under `opentelemetry-instrument` and look at it with `agentops show latest`.
Credentials and region are boto3's usual ones; `AWS_ENDPOINT_URL_BEDROCK_RUNTIME` names another endpoint.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import boto3

MODEL = os.environ.get("EXAMPLE_MODEL", "eu.amazon.nova-lite-v1:0")
HEIGHTS = {"Brest": 6.9, "Saint-Malo": 12.4}
SCHEMA = {"type": "object", "properties": {"port": {"type": "string", "description": "the name of the port"}}, "required": ["port"]}
TOOL = {"name": "high_water", "description": "How high the water stands at spring tide.", "inputSchema": {"json": SCHEMA}}


def high_water(port: str = "", **_other: Any) -> str:
    """How high the water stands at spring tide."""
    return f"{HEIGHTS.get(port, 5.0)} m"


def answer(client: Any, question: str) -> str:
    """The model's answer, after it has looked up what it wants to know."""
    asked = {"modelId": MODEL, "toolConfig": {"tools": [{"toolSpec": TOOL}]}, "inferenceConfig": {"maxTokens": 512}}
    messages: list[Any] = [{"role": "user", "content": [{"text": question}]}]
    reply = client.converse(messages=messages, **asked)["output"]["message"]
    calls = [block["toolUse"] for block in reply["content"] if "toolUse" in block]
    if not calls:
        return "".join(block.get("text", "") for block in reply["content"])
    results = [{"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": high_water(**call["input"])}]}} for call in calls]
    messages += [reply, {"role": "user", "content": results}]
    events = client.converse_stream(messages=messages, **asked)["stream"]
    return "".join(event["contentBlockDelta"]["delta"].get("text", "") for event in events if "contentBlockDelta" in event)


if __name__ == "__main__":
    print(answer(boto3.client("bedrock-runtime"), " ".join(sys.argv[1:]) or "How high is the water in Brest?"))
