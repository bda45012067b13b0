"""Attributes of the resource."""

from __future__ import annotations

from agentops_instrumentors.core import semconv


class ResourceAttributes:
    """What runs, and where."""

    PROJECT_ID = semconv.PROJECT_ID
    SERVICE_NAME = "service.name"
    SERVICE_VERSION = "service.version"
    ENVIRONMENT = "deployment.environment.name"
    DEPLOYMENT_ENVIRONMENT = "deployment.environment.name"
    HOST_NAME = "host.name"
    HOST_VERSION = "os.version"
    HOST_SYSTEM = "os.type"
    HOST_PROCESSOR = "host.arch"
