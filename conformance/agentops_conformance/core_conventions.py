"""Names that are not judged: namespaces of OpenTelemetry's core conventions which the extract does not carry.

Telemetry of agents is surrounded by that of their databases, queues and hosts, whose names are no business of the GenAI registry.
"""

from __future__ import annotations

from typing import Final

_ROOTS: Final = frozenset(
    (
        *("android", "aspnetcore", "aws", "az", "browser", "cassandra", "cloud", "cloudevents", "cloudfoundry", "container", "cpu"),
        *(
            "cpython",
            "db",
            "destination",
            "device",
            "disk",
            "dns",
            "dotnet",
            "elasticsearch",
            "faas",
            "file",
            "gcp",
            "geo",
            "go",
            "graphql",
        ),
        *("heroku", "hw", "ios", "jvm", "k8s", "kestrel", "linux", "mainframe", "messaging", "net", "nfs", "nodejs", "oci", "openshift"),
        *("opentracing", "oracle", "oracle_cloud", "pprof", "profile", "signalr", "source", "system", "thread", "tls", "user_agent"),
        *("v8js", "webengine", "zos"),
    )
)
_METRIC_ROOTS: Final = _ROOTS | {"cicd", "code", "feature_flag", "http", "network", "otel", "process", "rpc", "url", "vcs"}
_JUDGED: Final = ("aws.bedrock.", "gcp.gen_ai.")
"""GenAI's share of such a namespace."""


def elsewhere(key: str) -> bool:
    """Whether an attribute stands in a core namespace that the extract leaves to the core conventions."""
    return "." in key and key.partition(".")[0] in _ROOTS and not key.startswith(_JUDGED)


def metric_elsewhere(name: str) -> bool:
    """Whether a metric is one of the core conventions' own."""
    return "." in name and name.partition(".")[0] in _METRIC_ROOTS
