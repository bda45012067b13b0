"""Attributes of what records."""

from __future__ import annotations


class InstrumentationAttributes:
    """The instrumentation's scope, and the library it instruments."""

    NAME = "otel.scope.name"
    VERSION = "otel.scope.version"
    INSTRUMENTATION_NAME = "otel.scope.name"
    INSTRUMENTATION_VERSION = "otel.scope.version"
    LIBRARY_NAME = "library.name"
    LIBRARY_VERSION = "library.version"
