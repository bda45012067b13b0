"""Where neighbours send: what of their wire formats is needed to see what they sent."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from tests.fakes.http import HttpServer, Reply, Request
from tests.fakes.otlp_sink import OtlpSink, SinkSpan, inflated

if TYPE_CHECKING:
    from collections.abc import Iterator


class Sentry(OtlpSink):
    """Envelopes, and OTLP at a path of its own."""

    def respond(self, request: Request) -> Reply:
        if request.path.endswith("/envelope/"):
            return Reply.json({})
        return super().respond(replace(request, target=request.target.rstrip("/")))

    def transactions(self) -> list[tuple[str, int]]:
        """Name of each, with the number of its HTTP requests."""
        transactions = [item for kind, item in self._items() if kind == "transaction"]
        return sorted((item["transaction"], sum(span["op"] == "http.client" for span in item["spans"])) for item in transactions)

    def _items(self) -> Iterator[tuple[str, Any]]:
        for request in self.requests:
            if request.path.endswith("/envelope/"):
                body = gzip.decompress(request.body) if request.body[:2] == b"\x1f\x8b" else inflated(request)
                lines = body.split(b"\n")
                for header, payload in zip(lines[1::2], lines[2::2], strict=False):
                    yield json.loads(header)["type"], json.loads(payload)


class Logfire(OtlpSink):
    """OTLP, and a project to be asked about. Spans that are still open come too, under another id: no copies of those that have ended."""

    def spans(self, name: str | None = None) -> list[SinkSpan]:
        return [span for span in super().spans(name) if span.attributes.get("logfire.span_type") != "pending_span"]

    def respond(self, request: Request) -> Reply:
        if request.path == "/v1/info":
            return Reply.json({"project_name": "neighbour", "project_url": self.url})
        return super().respond(request)


class Datadog(HttpServer):
    """An agent that takes traces of version 0.4."""

    def respond(self, request: Request) -> Reply:
        return Reply.json({"endpoints": ["/v0.4/traces"], "rate_by_service": {}})

    def spans(self) -> list[tuple[str, str]]:
        """Name and resource of each span; without the requests by which exporters of others send."""
        found: list[tuple[str, str]] = []
        for request in self.requests:
            if request.path == "/v0.4/traces":
                found += [(span["name"], span["resource"]) for trace in msgspec.msgpack.decode(request.body) for span in trace]
        return sorted(span for span in found if span[0] != "requests.request")
