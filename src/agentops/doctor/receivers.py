"""Asks every receiver that is configured for an answer: an empty OTLP request, which is valid and adds nothing, or a connection."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from msgspec.structs import replace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.util.re import parse_env_headers

from agentops.config import settings
from agentops.destinations import OTLP, SIGNALS, Signal, declarative, route
from agentops.doctor.agentops_backend import ask_agentops
from agentops.doctor.answers import ask, refused
from agentops.doctor.facts import Receiver
from agentops.installed import GRPC, HTTP_PROTOBUF, NAMED_AFTER_RECEIVERS, OTLP_EXPORTERS, PROTOCOL_VARIABLE
from agentops_instrumentors.core import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS: Final = 3.0
_BASE: Final = "OTEL_EXPORTER_OTLP_"
_DEFAULT_PORTS: Final = {HTTP_PROTOBUF: "http://localhost:4318", GRPC: "http://localhost:4317"}

_Ask = Callable[[], Receiver]


@dataclass(frozen=True, slots=True)
class _Target:
    """One OTLP endpoint of one signal, as the exporter of that signal reads it from the environment."""

    signal: Signal
    protocol: str
    url: str
    variable: str
    headers: dict[str, str] = field(default_factory=dict[str, str])


def receivers(*, asked: bool) -> tuple[Receiver, ...]:
    """The receivers of the three signals; with `asked`, whether each answers."""
    found = list(_receivers())
    if not asked or not found:
        return tuple(receiver for receiver, _ in found)
    with ThreadPoolExecutor(len(found)) as pool:
        return tuple(pool.map(_quietly, found))


def _quietly(pair: tuple[Receiver, _Ask]) -> Receiver:
    receiver, call = pair
    with suppress_instrumentation():
        try:
            return call()
        except Exception as error:
            return replace(receiver, ok=False, answer=f"{type(error).__name__}: {error}", action="check the address")


def _receivers() -> Iterator[tuple[Receiver, _Ask]]:
    for_agentops = tuple(signal.name for signal in SIGNALS if route(signal).agentops)
    if for_agentops:
        receiver = Receiver("AgentOps", settings().exporter_endpoint, for_agentops)
        yield receiver, lambda: ask_agentops(receiver, SECONDS)
    if declarative():
        return
    for signal in SIGNALS:
        target = _target(signal)
        if target is not None:
            yield _asked(target)


def _asked(target: _Target) -> tuple[Receiver, _Ask]:
    receiver = Receiver(target.protocol, without_password(target.url), (target.signal.name,))
    if target.protocol == GRPC:
        return receiver, lambda: _connect(receiver, target)
    return receiver, lambda: _post(receiver, target)


def _target(signal: Signal) -> _Target | None:
    """The OTLP endpoint of a signal; None where none of its exporters is OTLP's."""
    names = set(route(signal).others)
    protocol = environment.text(signal.protocol_variable) or environment.text(PROTOCOL_VARIABLE, HTTP_PROTOBUF)
    chosen = next((each for each, exporter in OTLP_EXPORTERS.items() if exporter in names), protocol if OTLP in names else None)
    if chosen is None and names & NAMED_AFTER_RECEIVERS:
        chosen = HTTP_PROTOBUF
    if chosen not in _DEFAULT_PORTS:
        return None
    own = environment.text(signal.endpoint_variable)
    shared = environment.text(f"{_BASE}ENDPOINT", _DEFAULT_PORTS[chosen])
    url = own or (shared if chosen == GRPC else f"{shared.rstrip('/')}/v1/{signal.name}")
    variable = signal.endpoint_variable if own else f"{_BASE}ENDPOINT"
    given = environment.text(f"{_BASE}{signal.name.upper()}_HEADERS") or environment.text(f"{_BASE}HEADERS")
    return _Target(signal, chosen, url, variable, dict(parse_env_headers(given, liberal=True)))


def _post(receiver: Receiver, target: _Target) -> Receiver:
    verify: str | bool = _setting(target, "CERTIFICATE") or True
    certificate, key = _setting(target, "CLIENT_CERTIFICATE"), _setting(target, "CLIENT_KEY")
    headers = {**target.headers, "Content-Type": "application/x-protobuf"}
    answer = ask(target.url, b"", headers, SECONDS, verify, (certificate, key) if certificate and key else certificate or None)
    if answer.status is None:
        return replace(receiver, ok=False, answer=answer.said, action=_unreachable(target))
    if 200 <= answer.status < 300:
        return replace(receiver, ok=True, answer=answer.said)
    return replace(receiver, ok=False, answer=answer.said, action=refused(answer, target.signal.name, target.variable, f"{_BASE}HEADERS"))


def _unreachable(target: _Target) -> str:
    parts = urlsplit(target.url)
    if parts.scheme not in ("http", "https"):
        return f"set {target.variable} to a whole URL: http://{target.url.split('/v1/')[0]}"
    if parts.port == 4317:
        return f"4317 is the port of OTLP over gRPC: set {target.variable} to port 4318, the one of {HTTP_PROTOBUF}"
    return f"start the receiver, or set {target.variable} to where it is"


def _connect(receiver: Receiver, target: _Target) -> Receiver:
    parts = urlsplit(target.url if "://" in target.url else f"//{target.url}")
    try:
        socket.create_connection((parts.hostname or "localhost", parts.port or 4317), SECONDS).close()
    except (OSError, ValueError) as error:
        return replace(receiver, ok=False, answer=f"{type(error).__name__}: {error}", action=_unreachable_grpc(target))
    return replace(receiver, ok=True, answer="accepts connections (nothing was sent)")


def _unreachable_grpc(target: _Target) -> str:
    return f"start the receiver, or set {target.variable} to where it is; for {HTTP_PROTOBUF} set {PROTOCOL_VARIABLE}={HTTP_PROTOBUF}"


def _setting(target: _Target, name: str) -> str:
    return environment.text(f"{_BASE}{target.signal.name.upper()}_{name}") or environment.text(f"{_BASE}{name}")


def without_password(url: str) -> str:
    """`url` as it may be shown: no credentials, no query."""
    try:
        parts = urlsplit(url)
        place = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, place, parts.path, "", ""))
    except ValueError:
        return "an unusable URL"
