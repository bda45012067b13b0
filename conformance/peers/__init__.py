"""Other instrumentations of the same clients, each in an environment of its own, driven through the scenarios of ours.

Nothing here imports a peer but the process that is driven through it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["CLIENTS", "OURS", "PEERS", "Peer", "named"]


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer. `distributions` are those whose versions the report names; `environment` is what its documentation tells to set.

    One with `own_providers` makes the SDK's providers itself.
    """

    name: str
    title: str
    distributions: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    own_providers: bool = False
    project: bool = False

    @property
    def requirements(self) -> str:
        """The file of `requirements/` that its environment is made from."""
        return f"peer-{self.name}.txt"


_CONTENT: Final = ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_ONLY")
OURS: Final = Peer("ours", "ours", ("agentops-opentelemetry",), (_CONTENT,), project=True)
PEERS: Final = (
    Peer(
        "official",
        "official",
        ("opentelemetry-instrumentation-genai-openai", "opentelemetry-instrumentation-genai-anthropic"),
        (_CONTENT,),
    ),
    Peer("openllmetry", "OpenLLMetry", ("opentelemetry-instrumentation-openai", "opentelemetry-instrumentation-anthropic")),
    Peer(
        "openinference",
        "OpenInference",
        ("openinference-instrumentation-openai", "openinference-instrumentation-anthropic"),
        (("OPENINFERENCE_ENABLE_GENAI_SEMCONV", "true"),),
    ),
    Peer("openlit", "OpenLIT", ("openlit",)),
    Peer("logfire", "Logfire", ("logfire",), own_providers=True),
)
"""Whom this project is held beside."""
CLIENTS: Final = ("openai", "anthropic")
"""The clients that every peer instruments."""


def named(name: str) -> Peer:
    """A peer by its name. Raises StopIteration where there is none."""
    return next(peer for peer in (OURS, *PEERS) if peer.name == name)
