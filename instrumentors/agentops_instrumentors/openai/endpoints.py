"""Every patched method of the openai SDK. `stream()` helpers are not here: they call `create`."""

from __future__ import annotations

from agentops_instrumentors.openai.chat import Chat
from agentops_instrumentors.openai.completions import Completions
from agentops_instrumentors.openai.embeddings import Embeddings
from agentops_instrumentors.openai.responses import FetchResponse, Responses

_CHAT = "openai.resources.chat.completions.completions"
_BETA_CHAT = "openai.resources.beta.chat.completions"
_RESPONSES = "openai.resources.responses.responses"


ENDPOINTS = (
    Chat(f"{_CHAT}:Completions.create"),
    Chat(f"{_CHAT}:AsyncCompletions.create"),
    Chat(f"{_CHAT}:Completions.parse", ">=1.92"),
    Chat(f"{_CHAT}:AsyncCompletions.parse", ">=1.92"),
    Chat(f"{_BETA_CHAT}:Completions.parse", "<1.92"),
    Chat(f"{_BETA_CHAT}:AsyncCompletions.parse", "<1.92"),
    Responses(f"{_RESPONSES}:Responses.create"),
    Responses(f"{_RESPONSES}:AsyncResponses.create"),
    Responses(f"{_RESPONSES}:Responses.parse"),
    Responses(f"{_RESPONSES}:AsyncResponses.parse"),
    FetchResponse(f"{_RESPONSES}:Responses.retrieve"),
    FetchResponse(f"{_RESPONSES}:AsyncResponses.retrieve"),
    Embeddings("openai.resources.embeddings:Embeddings.create"),
    Embeddings("openai.resources.embeddings:AsyncEmbeddings.create"),
    Completions("openai.resources.completions:Completions.create"),
    Completions("openai.resources.completions:AsyncCompletions.create"),
)
