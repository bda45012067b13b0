"""The default mind of the fake Anthropic service: which endpoint a request is for, on each of its platforms. Standard library only.

Model names steer it: `error-429` (any status) answers that error, `error-stream` fails in the middle of a stream, `refusal` refuses,
`redacted` redacts its thoughts, `slow` leaves a batch in progress.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final
from urllib.parse import unquote

from tests.fakes.anthropic_batches import Batches
from tests.fakes.anthropic_messages import Messages
from tests.fakes.anthropic_wire import FAILING, Answer, ApiError
from tests.fakes.openai_wire import Ids, Json

BEDROCK: Final = re.compile(r"/model/([^/]+)/invoke(-with-response-stream)?$")
_VERTEX: Final = re.compile(r"/publishers/anthropic/models/([^/:]+):(streamRawPredict|rawPredict)$")
_BATCH: Final = re.compile(r"/messages/batches/([^/]+)(/cancel|/results)?$")


class Brain:
    """Answers requests of all three platforms; `reset` makes it forget and start its ids over."""

    def __init__(self) -> None:
        self._ids = Ids()
        self._messages = Messages(self._ids)
        self._batches = Batches(self._ids, self._messages)

    def reset(self) -> None:
        self._ids.reset()
        self._messages.reset()
        self._batches.reset()

    def answer(self, method: str, path: str, body: bytes, base_url: str) -> Answer:
        """`path` without its query."""
        try:
            answer = self._route(method, path, body, base_url)
        except ApiError as error:
            answer = error.answer()
        answer.headers.update({"request-id": self._ids.new("req_"), "anthropic-organization-id": "org-1"})
        return answer

    def _route(self, method: str, path: str, body: bytes, base_url: str) -> Answer:
        found = _BATCH.search(path)
        if found:
            return self._batches.one(method, found[1], found[2])
        if path.endswith("/messages/batches"):
            return self._batches.all() if method == "GET" else self._batches.create(_decoded(body), base_url)
        if method != "POST":
            raise ApiError(404)
        return self._ask(path, _decoded(body))

    def _ask(self, path: str, sent: Json) -> Answer:
        platform = BEDROCK.search(path) or _VERTEX.search(path)
        if platform and platform[1] != "count-tokens":
            sent["model"] = unquote(platform[1])
            sent["stream"] = "stream" in (platform[2] or "").lower()
        if not isinstance(sent.get("model"), str):
            raise ApiError(400, "model: Field required")
        failing = FAILING.search(sent["model"])
        if failing:
            raise ApiError(int(failing[1]))
        if path.endswith(("/count_tokens", "/count-tokens:rawPredict")):
            return self._messages.count(sent)
        if platform or path.endswith("/messages"):
            return self._messages.create(sent)
        raise ApiError(404)


def _decoded(body: bytes) -> Json:
    try:
        sent: Any = json.loads(body)
    except ValueError:
        sent = None
    if not isinstance(sent, dict):
        raise ApiError(400, "The request body is not valid JSON.")
    return sent
