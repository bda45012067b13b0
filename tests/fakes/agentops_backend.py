"""A fake AgentOps on a real socket: its protocol enforced, what it accepted as its dashboard would show it.

One server is the REST interface, the OTLP receiver and the read interface; `env` is what a program needs to use it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from tests.fakes import agentops_dashboard as dashboard
from tests.fakes.agentops_tokens import Tokens, is_key
from tests.fakes.http import Reply, Request
from tests.fakes.otlp_sink import OtlpSink, SinkSpan, inflated

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["AUTH", "FakeAgentOps"]

AUTH: Final = "/v3/auth/token"
UPLOAD: Final = "/v4/logs/upload/"
_READ: Final = re.compile(r"^/public/v1/(traces|spans)/([0-9a-f]{32}|[0-9a-f]{16})(/metrics)?$")
_LOGS: Final = re.compile(r"^/v4/logs/([A-Za-z0-9_.-]+)$")
_ALLOWED_HEADERS: Final = frozenset(
    {
        "host",
        "connection",
        "content-type",
        "content-encoding",
        "content-length",
        "user-agent",
        "authorization",
        "accept-encoding",
        "trace-id",
    }
)


class FakeAgentOps(OtlpSink):
    """The backend. It knows the keys given; `behave` takes the paths of OTLP, `AUTH` and `UPLOAD`. Limits are in bytes."""

    def __init__(self, *keys: str, port: int = 0) -> None:
        super().__init__(port)
        self.keys = keys
        self.tokens = Tokens(*keys)
        self.max_request_bytes = 20 << 20
        self.max_log_bytes = 25 << 20
        self.uploads: dict[str, str] = {}
        """Request bodies by decimal trace id, as they are stored: verbatim."""
        self._late: dict[str, int] = {}

    @property
    def env(self) -> dict[str, str]:
        """Variables with which a program sends here under the first key."""
        return {**self.places, "AGENTOPS_API_KEY": self.keys[0]}

    @property
    def places(self) -> dict[str, str]:
        """The same without a key. Every span, because what tests have in them is mostly no GenAI."""
        return {"AGENTOPS_API_ENDPOINT": self.url, "AGENTOPS_EXPORTER_ENDPOINT": f"{self.url}/v1/traces", "AGENTOPS_EXPORT": "all"}

    @property
    def authentications(self) -> int:
        """How often a token was asked for."""
        return sum((request.method, request.path) == ("POST", AUTH) for request in self.requests)

    def foreign_headers(self) -> set[str]:
        """Names of headers that a client of AgentOps has no reason to send."""
        return {name for request in self.requests for name in request.headers} - _ALLOWED_HEADERS

    def trace_list(self) -> list[dashboard.TraceRow]:
        """The dashboard's traces, the oldest first."""
        rows = [dashboard.trace_row(self.trace(trace_id)) for trace_id in dict.fromkeys(span.trace_id for span in self.spans())]
        return sorted(rows, key=lambda row: min(span.start for span in self.trace(row.trace_id)))

    def trace(self, trace_id: str) -> list[SinkSpan]:
        return [span for span in self.spans() if span.trace_id == trace_id]

    def add(self, trace_id: str, names: list[str], total_tokens: int = 0, after: int = 0) -> None:
        """Have a trace of spans with these names, the tokens on the last; seen from the `after`-th time it is asked for on."""
        project = {"agentops.project.id": self.tokens.project(self.keys[0])}
        self._late[trace_id] = after
        self._spans += [
            SinkSpan(
                name=name,
                trace_id=trace_id,
                span_id=f"{number:016x}",
                parent_span_id="" if number == 1 else f"{1:016x}",
                kind="INTERNAL",
                start=number,
                end=number + 1,
                status_code="UNSET",
                status_description="",
                attributes={"gen_ai.usage.total_tokens": total_tokens} if total_tokens and number == len(names) else {},
                events=(),
                links=(),
                scope_name="",
                scope_version="",
                resource=project,
            )
            for number, name in enumerate(names, 1)
        ]

    def respond(self, request: Request) -> Reply:
        if request.path == AUTH:
            return self._misbehaved(AUTH) or self._token(request)
        if request.path == UPLOAD:
            return self._misbehaved(UPLOAD) or self._upload(request)
        if request.path.startswith("/public/v1/"):
            return self._public(request)
        if found := _LOGS.match(request.path):
            text = self.uploads.get(_decimal(found[1]))
            return Reply.json({"content": text, "trace_id": found[1]}) if text is not None else Reply.json({"detail": "Not found"}, 404)
        if self._claims(request) is None and request.path.startswith("/v1/"):
            return Reply.json({"detail": "Unauthorized"}, 401)
        if len(inflated(request)) > self.max_request_bytes:
            return Reply.json({"detail": "request body too large"}, 413)
        return super().respond(request)

    def resource_attributes(self, request: Request) -> Mapping[str, Any]:
        """The collector sets the project from the token."""
        claims = self._claims(request) or {}
        return {"agentops.project.id": claims.get("project_id", ""), "ProjectId": claims.get("project_id", "")}

    def _misbehaved(self, path: str) -> Reply | None:
        behaviour = self._next_behaviour(path)
        if behaviour.hang or behaviour.drop:
            return Reply(status=503, hang_after=-1 if behaviour.hang else None, disconnect_after=-1 if behaviour.drop else None)
        if behaviour.redirect:
            return Reply(status=307, headers={"location": behaviour.redirect})
        if behaviour.status != 200 or behaviour.message:
            headers = {} if behaviour.retry_after is None else {"retry-after": str(behaviour.retry_after)}
            return Reply(status=behaviour.status, headers=headers, body=behaviour.message.encode())
        if behaviour.delay:
            self._pause_for(behaviour.delay)
        return None

    def _pause_for(self, seconds: float) -> None:
        self._released.wait(seconds)

    def _claims(self, request: Request) -> dict[str, Any] | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        claims = self.tokens.claims(token) if scheme == "Bearer" else None
        return claims if claims is not None and self.tokens.project(claims["api_key"]) else None

    def _token(self, request: Request) -> Reply:
        if request.method == "GET":
            claims = self._claims(request)
            if claims is None:
                return Reply.json({"detail": "Invalid token"}, 401)
            return Reply.json({"message": "JWT token is valid", "payload": claims, "expires_at": claims["exp"]})
        key = _field(request, "api_key")
        if not is_key(key):
            return Reply.json({"error": "Invalid API key format"}, 400)
        project = self.tokens.project(str(key))
        if project is None:
            return Reply.json({"error": "Invalid API key"}, 403)
        return Reply.json({"token": self.tokens.give(str(key)), "project_id": project, "project_prem_status": "free"})

    def _upload(self, request: Request) -> Reply:
        if self._claims(request) is None:
            return Reply.json({"detail": "Unauthorized"}, 401)
        trace_id = request.headers.get("trace-id", "")
        if not trace_id.isdecimal():
            return Reply.json({"detail": "No or invalid Trace-Id"}, 400)
        if len(request.body) > self.max_log_bytes:
            return Reply.json({"detail": "too large"}, 413)
        self.uploads[trace_id] = request.body.decode()
        return Reply.json({"url": f"{self.url}/objects/{trace_id}", "size": len(request.body)})

    def _public(self, request: Request) -> Reply:
        if (request.method, request.path) == ("POST", "/public/v1/auth/access_token"):
            key = _field(request, "api_key")
            if not is_key(key):
                return Reply.json({"detail": "Invalid API key format"}, 400)
            return Reply.json({"bearer": self.tokens.give(str(key))}) if self.tokens.project(str(key)) else Reply.json({}, 404)
        claims = self._claims(request)
        if claims is None:
            return Reply.json({"detail": "Invalid token"}, 400)
        if request.path == "/public/v1/project":
            return Reply.json({"id": claims["project_id"], "name": "a project", "environment": "development"})
        found = _READ.match(request.path)
        spans = self._found(found[1], found[2], claims["project_id"]) if found else []
        if found and not found[3] and self._late.get(found[2], 0) > 0:
            self._late[found[2]] -= 1
            spans = []
        if found is None or not spans:
            return Reply.json({"detail": "Not found"}, 404)
        if found[3]:
            return Reply.json(dashboard.metrics(spans))
        return Reply.json(_trace(found[2], spans, claims["project_id"]) if found[1] == "traces" else _span(spans[0]))

    def _found(self, kind: str, wanted: str, project: str) -> list[SinkSpan]:
        own = [span for span in self.spans() if span.resource.get("agentops.project.id") == project]
        return [span for span in own if (span.trace_id if kind == "traces" else span.span_id) == wanted]


def _field(request: Request, name: str) -> object:
    try:
        told = request.json()
    except ValueError:
        return None
    return told.get(name) if isinstance(told, dict) else None


def _decimal(trace_id: str) -> str:
    """Trace ids of the dashboard's are hexadecimal where they hold a letter."""
    return str(int(trace_id, 16)) if re.search("[a-f]", trace_id) else trace_id


def _trace(trace_id: str, spans: list[SinkSpan], project: str) -> dict[str, Any]:
    return {
        "trace_id": trace_id,
        "project_id": project,
        "tags": dashboard.trace_row(spans).tags,
        "spans": [_summary(span) for span in sorted(spans, key=lambda span: span.start)],
    }


def _summary(span: SinkSpan) -> dict[str, Any]:
    return {
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id or None,
        "span_name": span.name,
        "span_kind": span.kind,
        "start_time": span.start,
        "end_time": span.end,
        "duration": span.end - span.start,
        "status_code": span.status_code,
        "status_message": span.status_description,
    }


def _span(span: SinkSpan) -> dict[str, Any]:
    kept = dashboard.stored(span.attributes)
    return {
        **_summary(span),
        "attributes": {},
        "resource_attributes": dashboard.stored(span.resource),
        "span_attributes": json.loads(json.dumps(kept)),
    }
