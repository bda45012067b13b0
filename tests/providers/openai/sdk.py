"""What the supported versions of the openai client call differently, in one place.

`parse` and `stream` of chat live under `beta` before 1.92; streamed retrieval is younger than 1.66.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from openai import OpenAI
from openai.resources.responses import Responses

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENT: Final = OpenAI(api_key="test")
"""A client to look at, never to call."""
STREAMED_RETRIEVAL: Final = "starting_after" in inspect.signature(Responses.retrieve).parameters


def chat_parse(client: Any) -> Callable[..., Any]:
    """`chat.completions.parse` of a client, sync or async."""
    return _chat(client).parse


def chat_stream(client: Any) -> Callable[..., Any]:
    """`chat.completions.stream` of a client, sync or async."""
    return _chat(client).stream


def _chat(client: Any) -> Any:
    stable = client.chat.completions
    return stable if hasattr(stable, "parse") else client.beta.chat.completions
