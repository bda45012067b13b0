"""A fake of Bedrock's two runtimes on a real socket; `boto3.client("bedrock-runtime", endpoint_url=server.url)`.

Queued replies come first, one a request; with none queued its default mind answers. `error-429` in a model's id makes a refusal,
`error-stream` an exception after some events.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from tests.fakes import aws_agents, aws_eventstream
from tests.fakes.anthropic_brain import Brain
from tests.fakes.aws_converse import ERRORS, converse, converse_events
from tests.fakes.aws_models import speak
from tests.fakes.http_values import encode_json
from tests.fakes.scripted import Reply, Request, ScriptedServer, Served

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.aws_converse import Event, Json
    from tests.fakes.http import Exchange

__all__ = ["FakeBedrock", "Reply", "Request", "Served", "refusal", "stream_reply"]

_MODEL: Final = re.compile(r"/model/([^/]+)/(converse|converse-stream|invoke|invoke-with-response-stream)$")
_EVENTS_BEFORE_ERROR: Final = 3


class FakeBedrock(ScriptedServer):
    """The service."""

    def __init__(self, port: int = 0, recording: bool = True, pace: tuple[float, float] = (0.0, 0.0)) -> None:
        super().__init__(port, recording, pace)
        self._count = 0
        self._anthropic = Brain()

    def reset(self) -> None:
        """Number request ids from the start too."""
        super().reset()
        self._count = 0
        self._anthropic.reset()

    def respond(self, request: Request) -> Reply:
        self._count += 1
        return super().respond(request)

    def identity(self) -> dict[str, str]:
        """The headers that name the request at hand."""
        digest = hashlib.sha256(f"request{self._count}".encode()).hexdigest()
        return {"x-amzn-requestid": "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))}

    def default_reply(self, request: Request) -> Reply:
        model, operation = self._asked(request)
        wanted = re.search(r"error-(\d{3})", unquote(request.path) + request.body.decode())
        if wanted:
            return refusal(int(wanted[1]), self.identity())
        if operation.startswith("converse"):
            answer = converse(model, request.json())
            return self._reply(answer, converse_events(answer) if "stream" in operation else None, answer["usage"], model)
        return self._invoke(request, model, "stream" in operation) if operation.startswith("invoke") else self._others(request)

    def _invoke(self, request: Request, model: str, streamed: bool) -> Reply:
        body = request.json()
        if "anthropic_version" in body:
            said = self._anthropic.answer(request.method, request.path, request.body, self.url)
            usage = billed(said.usage or said.body["usage"])
            chunks = [data for _, data in said.events or ()]
            whole = said.body
        else:
            spoken = speak(model, body)
            usage, chunks, whole = spoken.usage, spoken.chunks, spoken.body
        if not streamed:
            counts = {"x-amzn-bedrock-input-token-count": str(usage["inputTokens"])}
            counts["x-amzn-bedrock-output-token-count"] = str(usage["outputTokens"])
            return Reply.json(whole, headers={**self.identity(), **counts}, usage=usage, **self.pace)
        events: list[Event] = [("chunk", {"bytes": base64.b64encode(encode_json(chunk)).decode()}) for chunk in chunks]
        return self._reply(None, events, usage, model)

    def _others(self, request: Request) -> Reply:
        answer = aws_agents.answer(request.path, request.json())
        if answer is None:
            return refusal(404, self.identity())
        said, headers, usage = answer
        listed = isinstance(said, list)
        return self._reply(None if listed else said, said if listed else None, usage, "", headers)

    def _reply(self, whole: Any, events: list[Event] | None, usage: Any, model: str, headers: Mapping[str, str] | None = None) -> Reply:
        head = {**self.identity(), **(headers or {})}
        if events is None:
            return Reply.json(whole, headers=head, usage=usage, **self.pace)
        return stream_reply(events, model, headers=head, usage=usage, **self.pace)

    def _asked(self, request: Request) -> tuple[str, str]:
        found = _MODEL.search(request.path)
        return (unquote(found[1]), found[2]) if found else ("", request.path)

    def bill(self, exchange: Exchange) -> Served | None:
        reply = exchange.reply
        if reply is None or not reply.usage:
            return None
        usage: Mapping[str, Any] = reply.usage
        read, written = usage.get("cacheReadInputTokens") or 0, usage.get("cacheWriteInputTokens") or 0
        told = reply.pieces is None or exchange.pieces_sent >= len(reply.pieces)
        model = self._asked(exchange.request)[0]
        return Served(exchange.request.path, model, usage["inputTokens"] + read + written, usage["outputTokens"], read, 0, told)


def billed(usage: Mapping[str, Any]) -> dict[str, int]:
    """Anthropic's usage by the names of Converse."""
    read, written = (usage.get(f"cache_{name}_input_tokens") or 0 for name in ("read", "creation"))
    found = {"inputTokens": usage["input_tokens"], "outputTokens": usage["output_tokens"]}
    return {**found, "cacheReadInputTokens": read, "cacheWriteInputTokens": written}


def refusal(status: int, headers: Mapping[str, str] | None = None, **behaviour: Any) -> Reply:
    """An error as AWS tells it."""
    code, message = ERRORS[status]
    return Reply.json({"message": message}, status, {**(headers or {}), "x-amzn-errortype": f"{code}:http://internal"}, **behaviour)


def stream_reply(events: list[Event], model: str = "", headers: Mapping[str, str] | None = None, **behaviour: Any) -> Reply:
    """A stream of events; broken off by an exception where the model's id says so."""
    messages = [aws_eventstream.encode_event(name, padded(value)) for name, value in events]
    if "error-stream" in model:
        messages = [*messages[:_EVENTS_BEFORE_ERROR], aws_eventstream.encode_exception("throttlingException", ERRORS[429][1])]
    return aws_eventstream.reply(messages, headers=headers, payload=events, **behaviour)


def padded(value: Json) -> Json:
    """An event with the padding that the service adds against eavesdroppers who count bytes."""
    return {**value, "p": "abcdefghijk"}
