"""What the OpenAI endpoints have in common: ids, model names, tokens, errors. Standard library only."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

EPOCH: Final = 1_793_000_000
FINGERPRINT: Final = "fp_44709d6fcb"
DONE: Final = "[DONE]"

_DATED: Final = {
    "gpt-4o": "2024-08-06",
    "gpt-4o-mini": "2024-07-18",
    "gpt-4o-audio-preview": "2024-12-17",
    "gpt-4.1": "2025-04-14",
    "gpt-4.1-mini": "2025-04-14",
    "gpt-4.1-nano": "2025-04-14",
    "gpt-5": "2025-08-07",
    "gpt-5-mini": "2025-08-07",
    "gpt-5-nano": "2025-08-07",
    "o1": "2024-12-17",
    "o3": "2025-04-16",
    "o3-mini": "2025-01-31",
    "o4-mini": "2025-04-16",
    "gpt-3.5-turbo": "0125",
}
_REASONING: Final = re.compile(r"^(o\d|gpt-5)")
_TOKEN: Final = re.compile(r"\s*\w{1,8}|\s*[^\w\s]|\s+")
_ERRORS: Final = {
    400: ("invalid_request_error", None, "Invalid request: the parameters are not accepted."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-****0000."),
    403: ("invalid_request_error", "unsupported_country_region_territory", "Country, region, or territory not supported"),
    404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached: Limit 3, Used 3, Requested 1. Please try again in 20s."),
    500: ("server_error", None, "The server had an error while processing your request. Sorry about that!"),
    503: ("server_error", None, "The engine is currently overloaded, please try again later."),
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` for a JSON answer, `events` for server-sent ones; `usage` is what is billed even when the stream does not tell it."""

    status: int = 200
    body: Any = None
    events: list[Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    usage: Json | None = None


class Ids:
    """Deterministic identifiers in the vendor's shapes; `reset` starts them over."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._count = itertools.count(1)

    def new(self, prefix: str, length: int = 24) -> str:
        digest = hashlib.sha256(f"{prefix}{next(self._count)}".encode()).hexdigest()
        return prefix + digest[:length]


class ApiError(Exception):
    """An error the service answers with."""

    def __init__(self, status: int, message: str = "", param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.param = param

    def answer(self) -> Answer:
        headers = {"retry-after": "20", "retry-after-ms": "20000"} if self.status == 429 else {}
        return Answer(self.status, {"error": error_body(self.status, str(self), self.param)}, headers=headers)


def error_body(status: int, message: str = "", param: str | None = None) -> Json:
    kind, code, text = _ERRORS.get(status, ("server_error" if status >= 500 else "invalid_request_error", None, "Error"))
    return {"message": message or text, "type": kind, "param": param, "code": code}


def served_model(requested: str) -> str:
    """The name the service answers with: dated for its aliases, unchanged otherwise."""
    suffix = _DATED.get(requested)
    return f"{requested}-{suffix}" if suffix else requested


def is_reasoning(model: str) -> bool:
    return bool(_REASONING.match(model))


def split_tokens(text: str) -> list[str]:
    """Pieces that join back to `text`; their number is its token count."""
    return _TOKEN.findall(text)


def prompt_size(value: object) -> int:
    """A cheap token estimate of prompt text or of a JSON value."""
    text = value if isinstance(value, str) else json.dumps(value)
    return len(text) // 4 + 1


def cached_part(prompt_tokens: int) -> int:
    """Prompts of 1024 tokens and more come from the cache in blocks of 128."""
    return prompt_tokens // 128 * 128 if prompt_tokens >= 1024 else 0


def chat_usage(prompt: int, completion: int, *, reasoning: int = 0, audio_in: int = 0, audio_out: int = 0) -> Json:
    """`usage` of chat completions; reasoning and audio tokens are included in the totals."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached_part(prompt), "audio_tokens": audio_in},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning,
            "audio_tokens": audio_out,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def responses_usage(prompt: int, output: int, reasoning: int = 0) -> Json:
    """`usage` of a response."""
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": cached_part(prompt), "cache_write_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": prompt + output,
    }
