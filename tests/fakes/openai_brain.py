"""The default mind of the fake OpenAI service: a sensible, deterministic answer to any request. Standard library only.

Model names steer it: `error-429` (any status) answers that error, `error-stream` fails in the middle of a stream,
`error-response` is a response with status failed, `refusal` refuses; reasoning models (o3, gpt-5, ...) reason for 64 tokens.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from tests.fakes.openai_chat import complete_chat, complete_text, embed
from tests.fakes.openai_responses import Responses
from tests.fakes.openai_wire import EPOCH, Answer, ApiError, Ids, Json

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEPLOYMENT: Final = re.compile(r"/openai/deployments/([^/]+)/")
_RESPONSE: Final = re.compile(r"/responses/([^/]+)(/cancel|/input_items)?$")
_ERROR: Final = re.compile(r"error-(\d{3})")


class Brain:
    """Answers requests under any base path; `reset` makes it forget and start its ids over."""

    def __init__(self) -> None:
        self._ids = Ids()
        self._responses = Responses(self._ids)

    def reset(self) -> None:
        self._ids.reset()
        self._responses.reset()

    def answer(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> Answer:
        """`path` without its query; `query` decoded."""
        try:
            answer = self._route(method, path, dict(query), body)
        except ApiError as error:
            answer = error.answer()
        headers = {"x-request-id": self._ids.new("req_", 32), "openai-version": "2020-10-01", "openai-processing-ms": "12"}
        answer.headers.update(headers)
        return answer

    def _route(self, method: str, path: str, query: dict[str, str], body: bytes) -> Answer:
        found = _RESPONSE.search(path)
        if found:
            return self._stored(method, found[1], found[2], query)
        if method == "GET" and path.endswith("/models"):
            model = {"id": "gpt-4o-mini", "object": "model", "created": EPOCH, "owned_by": "system"}
            return Answer(body={"object": "list", "data": [model]})
        if method != "POST":
            raise ApiError(404, f"Invalid URL ({method} {path})")
        sent = _decoded(body)
        deployment = _DEPLOYMENT.search(path)
        if deployment:
            sent["model"] = deployment[1]
        if not isinstance(sent.get("model"), str):
            raise ApiError(400, "you must provide a model parameter")
        failing = _ERROR.search(sent["model"])
        if failing:
            raise ApiError(int(failing[1]))
        return self._create(path, sent, azure=deployment is not None)

    def _create(self, path: str, sent: Json, azure: bool) -> Answer:
        if path.endswith("/chat/completions"):
            return complete_chat(sent, self._ids, azure)
        if path.endswith("/responses"):
            return self._responses.create(sent)
        if path.endswith("/embeddings"):
            return embed(sent)
        if path.endswith("/completions"):
            return complete_text(sent, self._ids)
        raise ApiError(404, f"Invalid URL (POST {path})")

    def _stored(self, method: str, identifier: str, action: str | None, query: dict[str, str]) -> Answer:
        if method == "POST" and action == "/cancel":
            return self._responses.cancel(identifier)
        if method == "DELETE" and action is None:
            return self._responses.delete(identifier)
        if method == "GET" and action is None:
            return self._responses.retrieve(identifier, query)
        raise ApiError(404, f"Invalid URL ({method} /responses/{identifier}{action or ''})")


def _decoded(body: bytes) -> Json:
    try:
        sent: Any = json.loads(body)
    except ValueError:
        sent = None
    if not isinstance(sent, dict):
        raise ApiError(400, "We could not parse the JSON body of your request.")
    return sent
