"""A small research assistant on the `openai` client alone: tools, streaming, an embedding, and an error it recovers from.

Nothing here knows about telemetry. Run it under `opentelemetry-instrument` and look at it with `agentops show latest`.
"""

from __future__ import annotations

import json
import os
import sys

import openai

MODEL = os.environ.get("EXAMPLE_MODEL", "gpt-4o-mini")
NOTES = {
    "weather": "It is 18 degrees Celsius and cloudy in Paris, with rain expected in the evening.",
    "population": "Paris had 2.1 million inhabitants in 2024; its metropolitan area had 12.4 million.",
    "museum": "The Louvre is open from 9 to 18, on Wednesdays and Fridays until 21, and closed on Tuesdays.",
}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "look_up",
            "description": "Look up what the notes say about a topic.",
            "parameters": {
                "type": "object",
                "properties": {"topic": {"type": "string", "enum": sorted(NOTES)}},
                "required": ["topic"],
            },
        },
    }
]


def look_up(topic: str) -> str:
    return NOTES.get(topic, "The notes say nothing about that.")


def closest_topic(client: openai.OpenAI, question: str) -> str:
    """The topic whose embedding is closest to the question's."""
    topics = sorted(NOTES)
    answer = client.embeddings.create(model="text-embedding-3-small", input=[question, *topics], dimensions=256)
    asked, *known = [item.embedding for item in answer.data]
    similarity = [sum(a * b for a, b in zip(asked, vector, strict=True)) for vector in known]
    return topics[similarity.index(max(similarity))]


def research(client: openai.OpenAI, question: str) -> str:
    """Ask the model until it stops asking for tools."""
    messages: list = [
        {"role": "system", "content": "You answer from the notes. Use the look_up tool before you answer."},
        {"role": "user", "content": f"{question} (a likely topic: {closest_topic(client, question)})"},
    ]
    while True:
        choice = client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS, temperature=0.2).choices[0]
        messages.append(choice.message)
        if not choice.message.tool_calls:
            return choice.message.content or ""
        for call in choice.message.tool_calls:
            found = look_up(json.loads(call.function.arguments).get("topic", ""))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": found})


def summarise(client: openai.OpenAI, findings: str) -> str:
    """Stream a summary, first from a model that does not exist, then from one that does."""
    for model in ("error-404", MODEL):
        try:
            stream = client.chat.completions.create(
                model=model,
                messages=[{"role": "user", "content": f"Summarise in one sentence: {findings}"}],
                stream=True,
                stream_options={"include_usage": True},
            )
        except openai.NotFoundError as error:
            print(f"{model} is not there ({error.status_code}), trying {MODEL}", file=sys.stderr)
            continue
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    return findings


def answer(question: str) -> str:
    with openai.OpenAI() as client:
        return summarise(client, research(client, question))


def main() -> None:
    for question in sys.argv[1:] or ["What is the weather like in Paris?"]:
        print(f"{question}\n  {answer(question)}")


if __name__ == "__main__":
    main()
