"""A fake of AgentOps' read interface on a real socket: tokens, traces and their metrics."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.fakes.http import HttpServer, Reply, Request

__all__ = ["FakeAgentOpsAPI"]

_TRACE = re.compile(r"^/public/v1/traces/([0-9a-f]{32})(/metrics)?$")


class FakeAgentOpsAPI(HttpServer):
    """The interface; `url` is the endpoint. Its keys are those in `keys`, its traces those given to `add`."""

    def __init__(self, *keys: str) -> None:
        super().__init__()
        self.keys = set(keys)
        self.token = "bearer-1"
        self._traces: dict[str, tuple[list[dict[str, Any]], dict[str, Any], int]] = {}

    def add(self, trace_id: str, names: list[str], total_tokens: int = 0, after: int = 0) -> None:
        """Know a trace of spans with these names, from the `after`-th time it is asked for."""
        spans = [
            {"span_id": f"{number:016x}", "parent_span_id": None, "span_name": name, "span_kind": "INTERNAL", "status_code": "UNSET"}
            for number, name in enumerate(names, 1)
        ]
        metrics = {"span_count": len(spans), "total_tokens": total_tokens, "total_cost": "0.0000420"}
        self._traces[trace_id] = (spans, metrics, after)

    def respond(self, request: Request) -> Reply:
        if (request.method, request.path) == ("POST", "/public/v1/auth/access_token"):
            return self._token(json.loads(request.body).get("api_key"))
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return Reply.json({"detail": "Invalid token"}, 400)
        found = _TRACE.match(request.path)
        if found is None or found[1] not in self._traces:
            return Reply.json({"detail": "Not found"}, 404)
        spans, metrics, after = self._traces[found[1]]
        if found[2]:
            return Reply.json(metrics)
        if after > 0:
            self._traces[found[1]] = (spans, metrics, after - 1)
            return Reply.json({"detail": "Not found"}, 404)
        return Reply.json({"trace_id": found[1], "project_id": "p", "tags": [], "spans": spans})

    def _token(self, key: object) -> Reply:
        if not isinstance(key, str) or len(key) != 36:
            return Reply.json({"detail": "Invalid API key format"}, 400)
        return Reply.json({"bearer": self.token}) if key in self.keys else Reply.json({"detail": "Not found"}, 404)
