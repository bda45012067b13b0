"""What the resource says of this distribution, the deployment and the machine; in a declarative file, the detector `agentops`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.resources import OTELResourceDetector, Resource, ResourceDetector

from agentops.config import settings
from agentops.installed import installed
from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP: Final = "opentelemetry_resource_detector"
MACHINE: Final = ("host", "os", "process")
"""OpenTelemetry's own detectors that say where a program runs."""
_ENVIRONMENT: Final = "deployment.environment.name"
_OLDER_ENVIRONMENT: Final = "deployment.environment"


class AgentOpsResourceDetector(ResourceDetector):
    """Entry point `agentops`: the distribution, the deployment environment of OTEL_RESOURCE_ATTRIBUTES, and what is known of the machine.

    `host`, `os` and `process` leave one of these out each, AGENTOPS_ENV_DATA_OPT_OUT all three.
    """

    def __init__(self, *, host: bool = True, os: bool = True, process: bool = True) -> None:
        super().__init__()
        self._wanted = [name for name, wanted in zip(MACHINE, (host, os, process), strict=True) if wanted]

    def detect(self) -> Resource:
        attributes = distribution()
        given = OTELResourceDetector().detect().attributes
        if _ENVIRONMENT in given:
            attributes[_ENVIRONMENT] = given[_ENVIRONMENT]
        for name in machine():
            if name in self._wanted:
                for entry_point in installed(GROUP, name):
                    attributes.update(entry_point.load()().detect().attributes)
        return Resource(attributes)


def machine() -> Iterator[str]:
    """The detectors of the machine to run, of those that are installed."""
    if not settings().env_data_opt_out:
        yield from (name for name in MACHINE if installed(GROUP, name))


def distribution() -> dict[str, Any]:
    """What no detector of OpenTelemetry's finds: the distribution, and the deployment environment where it is given by its older name."""
    attributes: dict[str, Any] = {"telemetry.distro.name": "agentops-opentelemetry", "telemetry.distro.version": __version__}
    given = OTELResourceDetector().detect().attributes
    if _ENVIRONMENT not in given and _OLDER_ENVIRONMENT in given:
        attributes[_ENVIRONMENT] = given[_OLDER_ENVIRONMENT]
    return attributes
