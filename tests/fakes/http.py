"""A small threaded HTTP/1.1 server on 127.0.0.1 that does as told: slow, cut off, hanging or garbled answers included.

Standard library only. One thread per connection, keep-alive, TCP_NODELAY; every request is kept in a ledger.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
import traceback
from http import HTTPStatus
from typing import TYPE_CHECKING

from tests.fakes.http_read import read_request
from tests.fakes.http_values import Exchange, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Exchange", "HttpServer", "Reply", "Request"]

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_POLL_SECONDS = 0.02


class _ClientGoneError(Exception):
    """The peer closed its side while an answer was under way."""


class _CutError(Exception):
    """The reply says the connection ends here."""


class HttpServer:
    """Base of the fakes: subclasses implement `respond`. Use as a context manager; `stop` leaves no thread behind.

    `exchanges` is the ledger; a server that runs for long is made with `recording=False` and keeps none.
    """

    def __init__(self, port: int = 0, recording: bool = True) -> None:
        self.recording = recording
        self.exchanges: list[Exchange] = []
        self.failures: list[str] = []
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._released = threading.Event()
        self._stopping = False
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._acceptor = threading.Thread(target=self._accept, name=f"{type(self).__name__}-{self.port}", daemon=True)

    def respond(self, request: Request) -> Reply:
        """The answer to one request; called on the connection's thread."""
        raise NotImplementedError

    def start(self) -> Self:
        self._acceptor.start()
        return self

    def stop(self) -> None:
        """Close every connection and join every thread; raise when `respond` itself ever failed."""
        if self._stopping:
            return
        self._stopping = True
        self._released.set()
        if self._acceptor.is_alive():
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=2).close()
            except OSError:
                pass
            self._acceptor.join(5)
        self._listener.close()
        for connection in self._sockets.copy():
            _shutdown(connection)
        for thread in self._threads:
            thread.join(5)
        alive = [thread.name for thread in self._threads if thread.is_alive()]
        if alive or self.failures:
            raise RuntimeError("\n".join([*(f"still running: {name}" for name in alive), *self.failures]))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def requests(self) -> list[Request]:
        """Every request received so far, in order of arrival."""
        return [exchange.request for exchange in self.exchanges]

    @property
    def open_connections(self) -> int:
        return len(self._sockets)

    def release(self) -> None:
        """Let every hanging answer go on, now and from now on (until `hold`)."""
        self._released.set()

    def hold(self) -> None:
        """Make `hang_after` hang again after a `release`."""
        self._released.clear()

    def wait_for(self, predicate: Callable[[], object], timeout: float = 10) -> bool:
        """Poll until `predicate()` is truthy; False when `timeout` seconds have passed."""
        deadline = time.monotonic() + timeout
        while not predicate():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self._stopping:
                connection.close()
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(connection,), name=f"{self._acceptor.name}-connection", daemon=True)
            self._sockets.add(connection)
            self._threads = [*(one for one in self._threads if one.is_alive()), thread]
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        unread = bytearray()
        try:
            while not self._stopping:
                request = read_request(connection, unread)
                if request is None or not self._answer(connection, request):
                    return
        except OSError:
            return
        finally:
            _shutdown(connection)
            connection.close()
            self._sockets.discard(connection)

    def _answer(self, connection: socket.socket, request: Request) -> bool:
        exchange = Exchange(request)
        if self.recording:
            self.exchanges.append(exchange)
        try:
            exchange.reply = reply = self.respond(request)
        except Exception:
            self.failures.append(traceback.format_exc())
            exchange.reply = reply = Reply(status=500, body=self.failures[-1].encode())
        outcome = "served"
        try:
            self._deliver(connection, exchange, reply)
        except _CutError:
            outcome = "cut"
            if reply.abortive:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
        except (_ClientGoneError, OSError):
            outcome = "client gone"
        exchange.close(outcome)
        return outcome == "served" and reply.verbatim is None and request.headers.get("connection", "").lower() != "close"

    def _deliver(self, connection: socket.socket, exchange: Exchange, reply: Reply) -> None:
        if reply.delay:
            self._pause(connection, reply.delay)
        self._gate(connection, reply, -1)
        if reply.verbatim is not None:
            connection.sendall(reply.verbatim)
            return
        if reply.pieces is None and reply.hang_after is None and reply.disconnect_after is None:
            connection.sendall(_head(reply) + reply.body)
            exchange.pieces_sent = 1
            return
        connection.sendall(_head(reply))
        self._gate(connection, reply, 0)
        chunked = reply.pieces is not None
        for index, piece in enumerate(reply.pieces if reply.pieces is not None else (reply.body,), 1):
            if reply.piece_delay and index > 1:
                self._pause(connection, reply.piece_delay)
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            exchange.pieces_sent = index
            self._gate(connection, reply, index)
        if chunked:
            connection.sendall(b"0\r\n\r\n")

    def _gate(self, connection: socket.socket, reply: Reply, position: int) -> None:
        if reply.hang_after == position:
            while not self._released.is_set():
                self._pause(connection, _POLL_SECONDS)
        if reply.disconnect_after == position:
            raise _CutError

    def _pause(self, connection: socket.socket, seconds: float) -> None:
        started = time.monotonic()
        connection.settimeout(seconds)
        try:
            if not connection.recv(1, socket.MSG_PEEK):
                raise _ClientGoneError
        except TimeoutError:
            return
        finally:
            connection.settimeout(None)
        time.sleep(max(0.0, seconds - (time.monotonic() - started)))


def _shutdown(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _head(reply: Reply) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} {_PHRASES.get(reply.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    lines.append(f"content-length: {len(reply.body)}" if reply.pieces is None else "transfer-encoding: chunked")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
