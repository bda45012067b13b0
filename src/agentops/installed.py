"""What is installed beside us, by entry points: distros, exporters, resource detectors."""

from __future__ import annotations

import os
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Final

NAME: Final = "agentops"
DISTRO_VARIABLE: Final = "OTEL_PYTHON_DISTRO"
CONFIGURATOR_VARIABLE: Final = "OTEL_PYTHON_CONFIGURATOR"
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


def gives_way() -> bool:
    """Whether another vendor's distro stays what it is without ours: one is installed, and the user has not named ours.

    Names it and its configurator to OpenTelemetry's loader, which takes the first it finds where none is named.
    """
    if no_vendor_distro() or os.environ.get(DISTRO_VARIABLE, "") == NAME:
        return False
    for variable, group in ((DISTRO_VARIABLE, "opentelemetry_distro"), (CONFIGURATOR_VARIABLE, "opentelemetry_configurator")):
        name = next((entry.name for entry in installed(group) if entry.name != NAME), "")
        if name:
            os.environ.setdefault(variable, name)
    return True


def otlp_protocols() -> list[str]:
    """The OTLP protocols whose exporters are installed."""
    return [protocol for protocol, exporter in OTLP_EXPORTERS.items() if installed(_TRACES, exporter)]


@cache
def _entry_points() -> EntryPoints:
    # Every call of `entry_points()` reads the metadata of all distributions anew.
    return entry_points()  # pyright: ignore[reportReturnType]
