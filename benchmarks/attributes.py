"""The attributes of a chat with content, for spans that nobody has to make a call for."""

from __future__ import annotations

import json

PLAIN = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.request.temperature": 0.2,
    "gen_ai.request.max_tokens": 256,
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.response.model": "gpt-4o-mini",
    "gen_ai.response.finish_reasons": ("stop",),
    "gen_ai.usage.input_tokens": 120,
    "gen_ai.usage.output_tokens": 40,
    "server.address": "api.openai.com",
    "server.port": 443,
    "thread.id": 1,
}
ANSWER = [
    {"role": "assistant", "parts": [{"type": "text", "content": "It rains in Lisbon, and it is 14 degrees."}], "finish_reason": "stop"}
]
_ASKED = [
    {"role": "system", "parts": [{"type": "text", "content": "You are a careful travel assistant. Answer briefly and name your sources."}]},
    {"role": "user", "parts": [{"type": "text", "content": "What is the weather in Lisbon today, and what should I wear for a walk?"}]},
]
CHAT = {**PLAIN, "gen_ai.input.messages": json.dumps(_ASKED), "gen_ai.output.messages": json.dumps(ANSWER)}
