"""A chat with Gemini that looks something up: the SDK calls the function by itself, and streams the answer.

Nothing here knows about telemetry. Run it under `opentelemetry-instrument` and look at it with `agentops show latest`.
"""

from __future__ import annotations

import os
import sys

from google import genai

MODEL = os.environ.get("EXAMPLE_MODEL", "gemini-2.5-flash")
HEIGHTS = {"Brest": 6.9, "Saint-Malo": 12.4}


def high_water(port: str) -> str:
    """How high the water stands at spring tide in a port."""
    return f"{HEIGHTS.get(port, 5.0)} m"


def answer(question: str) -> str:
    """The model's answer, after it has looked up what it wants to know."""
    # GOOGLE_GEMINI_BASE_URL and GEMINI_API_KEY say where and who.
    with genai.Client() as client:
        chat = client.chats.create(model=MODEL, config={"tools": [high_water]})
        return "".join(chunk.text or "" for chunk in chat.send_message_stream(question))


if __name__ == "__main__":
    print(answer(" ".join(sys.argv[1:]) or "How high is the water in Brest?"))
