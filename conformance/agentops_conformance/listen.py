"""An OTLP/HTTP endpoint: traces, metrics and logs, in protobuf and JSON, plain, gzip or deflate, in chunks or not.

Every export is handed on as one line of OTLP JSON, whatever it came in.
"""

from __future__ import annotations

import sys
import threading
import zlib
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socket import AF_INET6
from socketserver import ThreadingTCPServer
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from agentops_conformance import protobuf

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

SIGNALS: Final = {"/v1/traces": "traces", "/v1/metrics": "metrics", "/v1/logs": "logs"}
_JSON: Final = "application/json"
_PROTOBUF: Final = "application/x-protobuf"
_MAX_BYTES: Final = 64 * 1024 * 1024
_IDLE_SECONDS: Final = 60
_STOP_SECONDS: Final = 5
_WINDOW: Final = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
# What gRPC calls these, which OTLP/HTTP's Status carries.
_INVALID_ARGUMENT: Final = 3
_UNIMPLEMENTED: Final = 12


class RefusedError(Exception):
    """A request that is not taken: with this HTTP status, for this reason."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status: Final = status


class Listener:
    """The endpoint, open from its making and served between `with`. `keep` gets each export, one at a time; False refuses it.

    Port 0 takes a free one; `url` is for OTEL_EXPORTER_OTLP_ENDPOINT. Raises OSError where the address cannot be had.
    """

    def __init__(self, keep: Callable[[bytes], bool], host: str = "127.0.0.1", port: int = 0) -> None:
        self._intake = _Intake(keep)
        self._server = (_Server6 if ":" in host else _Server)((host, port), partial(_Handler, self._intake))
        name = f"[{host}]" if ":" in host else host
        self.url: Final = f"http://{name}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Take no more connections; what is being received is still kept."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._intake.drain()


class _Intake:
    """What requests have in common: one is kept at a time, and a stop waits for those under way."""

    def __init__(self, keep: Callable[[bytes], bool]) -> None:
        self._keep = keep
        self._keeping = threading.Lock()
        self._state = threading.Condition()
        self._under_way = 0

    def keep(self, line: bytes) -> bool:
        with self._keeping:
            return self._keep(line)

    def __enter__(self) -> None:
        with self._state:
            self._under_way += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._state:
            self._under_way -= 1
            self._state.notify_all()

    def drain(self) -> None:
        """Wait for requests under way, for some seconds at most."""
        with self._state:
            self._state.wait_for(lambda: not self._under_way, _STOP_SECONDS)


class _Server(ThreadingTCPServer):
    # Clients keep connections alive: a stop waits for requests, not for connections.
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no news."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(cast("Any", request), client_address)


class _Server6(_Server):
    address_family = AF_INET6


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS

    def __init__(self, intake: _Intake, *arguments: Any) -> None:
        self._intake = intake
        super().__init__(*arguments)

    def do_POST(self) -> None:
        """An export."""
        with self._intake:
            self._export()

    def do_GET(self) -> None:
        """Nothing is served."""
        self.close_connection = True
        self._answer(HTTPStatus.METHOD_NOT_ALLOWED, _JSON, protobuf.status_json(_UNIMPLEMENTED, "OTLP/HTTP takes POST only"))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the report is what there is to say."""

    def _export(self) -> None:
        kind = self.headers.get_content_type()
        try:
            body = self._body()
            signal = SIGNALS.get(self.path.partition("?")[0])
            if signal is None:
                raise RefusedError(HTTPStatus.NOT_FOUND, f"send to {', '.join(SIGNALS)}")
            self._take(signal, kind, body)
        except RefusedError as refused:
            self._refuse(kind, refused)
        else:
            # An empty message: everything was accepted.
            self._answer(HTTPStatus.OK, kind, b"{}" if kind == _JSON else b"")

    def _take(self, signal: str, kind: str, body: bytes) -> None:
        try:
            if kind == _PROTOBUF:
                line = protobuf.as_json(signal, body)
            elif kind == _JSON:
                line = msgspec.json.encode(msgspec.json.decode(body, type=dict[str, msgspec.Raw]))
                line = b" ".join(line.splitlines())
            else:
                raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {_PROTOBUF} or {_JSON}, not {kind}")
        except ValueError as error:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"not OTLP: {error}") from error
        if not self._intake.keep(line):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "not OTLP")

    def _body(self) -> bytes:
        """The whole body, decoded. What is not read of a refused one cannot be told from the next request, so the connection ends."""
        encoding = self.headers.get("content-encoding", "identity").strip().lower()
        chunked = "chunked" in self.headers.get("transfer-encoding", "").lower()
        try:
            body = self._chunks() if chunked else self._read(int(self.headers.get("content-length", "0")))
            if encoding == "identity":
                return body
            if encoding not in _WINDOW:
                raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"compress with gzip or not at all, not with {encoding}")
            return _inflated(body, _WINDOW[encoding])
        except (ValueError, zlib.error) as error:
            self.close_connection = True
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"cannot read the body: {error}") from error

    def _chunks(self) -> bytes:
        body = bytearray()
        while size := int(self.rfile.readline(1024).partition(b";")[0], 16):
            body += self._read(size, len(body))
            self.rfile.readline(1024)
        while self.rfile.readline(65536).strip():
            """Trailers say nothing about telemetry."""
        return bytes(body)

    def _read(self, size: int, before: int = 0) -> bytes:
        if size < 0 or before + size > _MAX_BYTES:
            self.close_connection = True
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"send at most {_MAX_BYTES} bytes at once")
        body = self.rfile.read(size)
        if len(body) < size:
            raise ValueError(f"it ends after {before + len(body)} bytes")
        return body

    def _refuse(self, kind: str, refused: RefusedError) -> None:
        code = _UNIMPLEMENTED if refused.status is HTTPStatus.NOT_FOUND else _INVALID_ARGUMENT
        if kind == _PROTOBUF:
            self._answer(refused.status, _PROTOBUF, protobuf.status(code, str(refused)))
        else:
            self._answer(refused.status, _JSON, protobuf.status_json(code, str(refused)))

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)


def _inflated(body: bytes, window: int) -> bytes:
    decoder = zlib.decompressobj(wbits=window)
    content = decoder.decompress(body, _MAX_BYTES)
    if decoder.unconsumed_tail:
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"send at most {_MAX_BYTES} bytes at once, uncompressed")
    if not decoder.eof:
        raise ValueError("it ends before its compressed data does")
    return content
