"""Other instrumentations of the same clients, each in an environment of its own, driven through the scenarios of ours.

A peer's module is imported in its own process only, so that nothing here imports a peer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

__all__ = ["OURS", "PEERS", "Instrument", "Peer"]


class Instrument(Protocol):
    """`instrument` of a peer's module: what a user of it writes for one client, `openai` or `anthropic`, recording content on spans.

    It uses the global providers. Raises ImportError for a client that the peer has no instrumentation of.
    """

    def __call__(self, client: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer. `packages` are those whose versions the report names; `environment` what its documentation tells to set."""

    name: str
    title: str
    packages: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    project: bool = False

    @property
    def requirements(self) -> str:
        """The file of `requirements/` that its environment is made from."""
        return f"peer-{self.name}.txt"

    @property
    def module(self) -> str:
        """The module with its `instrument`."""
        return f"conformance.peers.{self.name}"


CONTENT: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
OURS: Final = Peer("ours", "ours", ("agentops-opentelemetry",), ((CONTENT, "SPAN_ONLY"),), project=True)
PEERS: Final = (
    Peer(
        "official",
        "official",
        ("opentelemetry-instrumentation-genai-openai", "opentelemetry-instrumentation-genai-anthropic"),
        ((CONTENT, "SPAN_ONLY"),),
    ),
    Peer("openllmetry", "OpenLLMetry", ("opentelemetry-instrumentation-openai", "opentelemetry-instrumentation-anthropic")),
    Peer("openinference", "OpenInference", ("openinference-instrumentation-openai", "openinference-instrumentation-anthropic")),
    Peer("openlit", "OpenLIT", ("openlit",)),
    Peer("logfire", "Logfire", ("logfire",)),
)
"""Whom this project is held beside."""
