"""What is installed beside us, by entry points: distros, exporters, resource detectors."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Final

NAME: Final = "agentops"
PROTOCOL_VARIABLE: Final = "OTEL_EXPORTER_OTLP_PROTOCOL"
HTTP_PROTOBUF: Final = "http/protobuf"
GRPC: Final = "grpc"
OTLP_EXPORTERS: Final = {HTTP_PROTOBUF: "otlp_proto_http", GRPC: "otlp_proto_grpc"}
NAMED_AFTER_RECEIVERS: Final = frozenset({"agentops_phoenix", "agentops_mlflow"})
"""Exporters of ours that send OTLP over HTTP by the same variables as `otlp`."""
_TRACES: Final = "opentelemetry_traces_exporter"
_UPSTREAM_MODULE: Final = "opentelemetry.distro:"


def installed(group: str, name: str | None = None) -> list[EntryPoint]:
    """The entry points of `group`, or those named `name` in it, in the order in which OpenTelemetry sees them."""
    return list(_entry_points().select(group=group) if name is None else _entry_points().select(group=group, name=name))


def no_vendor_distro() -> bool:
    """Whether `opentelemetry-distro`'s is the only distro beside ours."""
    return all(entry.name == NAME or entry.value.startswith(_UPSTREAM_MODULE) for entry in installed("opentelemetry_distro"))


def otlp_protocols() -> list[str]:
    """The OTLP protocols whose exporters are installed."""
    return [protocol for protocol, exporter in OTLP_EXPORTERS.items() if installed(_TRACES, exporter)]


@cache
def _entry_points() -> EntryPoints:
    # Every call of `entry_points()` reads the metadata of all distributions anew.
    return entry_points()  # pyright: ignore[reportReturnType]
