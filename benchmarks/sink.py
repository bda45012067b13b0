"""An OTLP/HTTP endpoint in a process of its own that answers at once and reads what it got only when asked: `GET /spans` counts them.

It also hands out tokens as the AgentOps backend does. `python -m benchmarks.sink` prints its port.
"""

from __future__ import annotations

import gzip
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from typing import Any

_TOKEN = json.dumps({"token": "token", "project_id": "project"}).encode()
_bodies: list[tuple[bool, bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body in one packet, and no waiting for the peer's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path.endswith("/v1/traces"):
            _bodies.append((self.headers.get("content-encoding") == "gzip", body))
            self._answer("application/x-protobuf", b"")
        else:
            self._answer("application/json", _TOKEN)

    def do_GET(self) -> None:
        spans = sum(_count(gzip.decompress(body) if zipped else body) for zipped, body in _bodies)
        self._answer("application/json", json.dumps({"spans": spans, "bytes": sum(len(body) for _, body in _bodies)}).encode())
        _bodies.clear()

    def _answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _count(body: bytes) -> int:
    request = ExportTraceServiceRequest.FromString(body)
    return sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)


def main() -> None:
    """Serve until killed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    print(json.dumps({"port": server.server_address[1]}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
