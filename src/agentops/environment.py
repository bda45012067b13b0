"""What `opentelemetry-instrument` reads before it starts the program (entry point `opentelemetry_environment_variables`).

The launcher imports this module in its own process and then replaces itself by the program, so what is set here in
`os.environ` is what the program's `sitecustomize` sees. A value the user gave is never changed. Nothing else imports it:
importing it is what it does. No attribute may be named OTEL_*, because the launcher makes a command line option of each,
and two of one name are an error.
"""

from __future__ import annotations

import os

from agentops.installed import DISTRO_VARIABLE, GRPC, HTTP_PROTOBUF, NAME, PROTOCOL_VARIABLE, gives_way, no_vendor_distro, otlp_protocols
from agentops_instrumentors.core.guard import logger, swallowed


def publish() -> None:
    """Set the defaults the program starts with: our distro where only upstream's is beside it, and an OTLP protocol that is installed.

    Another vendor's distro stays what it is without us, wherever ours comes in the order of the file system: ours joins its provider.
    """
    if GRPC not in otlp_protocols():
        os.environ.setdefault(PROTOCOL_VARIABLE, HTTP_PROTOBUF)
    if no_vendor_distro():
        if os.environ.setdefault(DISTRO_VARIABLE, NAME) != NAME:
            _publish_exporters()
    else:
        gives_way()


def _publish_exporters() -> None:
    # Upstream's distro, chosen by the user, sends every signal to localhost unless an exporter is named.
    from agentops.destinations import SIGNALS, route

    # The program reads the same variables and says what is wrong with them.
    logger.disabled = True
    for signal in SIGNALS:
        os.environ.setdefault(signal.variable, ",".join(route(signal).exporter_names()) or "none")


try:
    publish()
except Exception as error:
    swallowed("environment", error)
