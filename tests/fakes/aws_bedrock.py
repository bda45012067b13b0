"""A fake of Bedrock's two runtimes on a real socket; `boto3.client("bedrock-runtime", endpoint_url=server.url)`.

Queued replies come first, one a request; with none queued its default mind answers. `error-429` in a model's id makes a refusal,
`error-stream` an exception after some events.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from tests.fakes import aws_eventstream
from tests.fakes.aws_converse import ERRORS, converse, converse_events
from tests.fakes.scripted import Reply, Request, ScriptedServer, Served

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.aws_converse import Event, Json
    from tests.fakes.http import Exchange

__all__ = ["FakeBedrock", "Reply", "Request", "Served", "refusal", "stream_reply"]

_MODEL: Final = re.compile(r"^/model/([^/]+)/(converse|converse-stream|invoke|invoke-with-response-stream)$")
_EVENTS_BEFORE_ERROR: Final = 3


class FakeBedrock(ScriptedServer):
    """The service."""

    def __init__(self, port: int = 0, recording: bool = True, pace: tuple[float, float] = (0.0, 0.0)) -> None:
        super().__init__(port, recording, pace)
        self._count = 0

    def reset(self) -> None:
        """Number request ids from the start too."""
        super().reset()
        self._count = 0

    def respond(self, request: Request) -> Reply:
        self._count += 1
        return super().respond(request)

    def identity(self) -> dict[str, str]:
        """The headers that name the request at hand."""
        digest = hashlib.sha256(f"request{self._count}".encode()).hexdigest()
        return {"x-amzn-requestid": "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))}

    def default_reply(self, request: Request) -> Reply:
        model, operation = self._asked(request)
        wanted = re.search(r"error-(\d{3})", model)
        if wanted:
            return refusal(int(wanted[1]), self.identity())
        if operation.startswith("converse"):
            answer = converse(model, request.json())
            if operation == "converse":
                return Reply.json(answer, headers=self.identity(), usage=answer["usage"], **self.pace)
            return stream_reply(converse_events(answer), model, headers=self.identity(), usage=answer["usage"], **self.pace)
        raise NotImplementedError(request.target)

    def _asked(self, request: Request) -> tuple[str, str]:
        found = _MODEL.match(request.path)
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
