"""What `opentelemetry-instrument` reads before it starts the program (entry point `opentelemetry_environment_variables`).

The launcher imports this module in its own process and then replaces itself by the program, so what is set here in
`os.environ` is what the program's `sitecustomize` sees. A value the user gave is never changed.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Final

from agentops_instrumentors.core.guard import swallowed

# The launcher turns every attribute named OTEL_* of this module into a command line option, and two of one name are an error.
DISTRO_VARIABLE: Final = "OTEL_PYTHON_DISTRO"
CONFIGURATOR_VARIABLE: Final = "OTEL_PYTHON_CONFIGURATOR"
PROTOCOL_VARIABLE: Final = "OTEL_EXPORTER_OTLP_PROTOCOL"

NAME: Final = "agentops"
HTTP_PROTOBUF: Final = "http/protobuf"
_UPSTREAM_MODULE: Final = "opentelemetry.distro:"


def publish() -> None:
    """Set the defaults the program starts with: our distro where only upstream's is beside it, and an OTLP protocol that is installed."""
    publish_protocol()
    if no_vendor_distro():
        os.environ.setdefault(DISTRO_VARIABLE, NAME)
        if os.environ[DISTRO_VARIABLE] != NAME:
            _publish_exporters()


def publish_protocol() -> None:
    """Make http/protobuf the OTLP protocol where none is chosen and the gRPC exporter, the SDK's default, is not installed."""
    if not installed("opentelemetry_traces_exporter", "otlp_proto_grpc"):
        os.environ.setdefault(PROTOCOL_VARIABLE, HTTP_PROTOBUF)


def no_vendor_distro() -> bool:
    """Whether `opentelemetry-distro`'s is the only distro beside ours."""
    return all(entry.name == NAME or entry.value.startswith(_UPSTREAM_MODULE) for entry in installed("opentelemetry_distro"))


def installed(group: str, name: str | None = None) -> list[EntryPoint]:
    """The entry points of `group`, or those named `name` in it, in the order in which OpenTelemetry sees them."""
    return list(_entry_points().select(group=group) if name is None else _entry_points().select(group=group, name=name))


@cache
def _entry_points() -> EntryPoints:
    # Every call of `entry_points()` reads the metadata of all distributions anew.
    return entry_points()  # pyright: ignore[reportReturnType]


def _publish_exporters() -> None:
    # Upstream's distro, chosen by the user, sends every signal to localhost unless an exporter is named.
    from agentops.destinations import SIGNALS, route

    for signal in SIGNALS:
        os.environ.setdefault(signal.variable, ",".join(route(signal).exporter_names()) or "none")


try:
    publish()
except Exception as error:
    swallowed("environment", error)
