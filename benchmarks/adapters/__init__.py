"""One adapter a peer: where it is installed from, and how its user instruments the client.

An adapter's module is imported in the measured process only, so that nothing here imports a peer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from benchmarks.shape import CONTENT, NO_CONTENT, SAMPLED_OUT, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.pipeline import Pipeline

Variables = tuple[tuple[str, str], ...]


class Instrument(Protocol):
    """`instrument` of an adapter's module: what a user of the peer writes.

    Such a module may also have `decorators(function)`, the function as the peer's decorators make it by their names; `session()`, which
    starts a session and ends it; `open_session()`, which leaves it open; and `initialise(pipeline)`, what these need in place of
    `instrument`.
    """

    def __call__(self, pipeline: Pipeline) -> None: ...


@dataclass(frozen=True, slots=True)
class Adapter:
    """A peer.

    `requirements` is a file of `requirements/`; `project` installs this project's own wheel on top of it. `other_client` is whether that
    has another version of the client than everyone's. `on` and `off` are the variables of its own that say whether content is recorded.
    `settings` are those it is measured in. `pinned` is the distribution whose version the report names.
    """

    name: str
    requirements: str
    title: str = ""
    pinned: str = ""
    project: bool = False
    other_client: bool = False
    module_name: str = ""
    on: Variables = ()
    off: Variables = ()
    settings: tuple[str, ...] = SETTINGS
    remark: str = ""

    @property
    def module(self) -> str:
        return f"benchmarks.adapters.{self.module_name or self.name}"

    def variables(self, setting: str) -> Mapping[str, str]:
        """The variables of its process."""
        return dict(self.off if setting == NO_CONTENT else self.on)


def _capture(mode: str) -> Variables:
    return (("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", mode),)


_ON, _OFF = _capture("SPAN_ONLY"), _capture("NO_CONTENT")
_NOWHERE: Variables = (("OTEL_TRACES_EXPORTER", "none"),)
"""Only where the pipeline sends."""
_NO_FILE: Variables = (("AGENTOPS_LOGGING_TO_FILE", "false"),)

BARE = Adapter("bare", "bench-bare.txt", "bare")
FLOOR = Adapter("floor", "bench-bare.txt", "floor", settings=(CONTENT,))
RECORDS = Adapter("records", "bench-bare.txt", "metric records alone", settings=(SAMPLED_OUT,))
OURS = Adapter("ours", "bench-ours.txt", "ours", "agentops-opentelemetry", project=True, on=_ON + _NOWHERE, off=_OFF + _NOWHERE)
EVERY = Adapter("every", "test.txt", project=True, settings=())
FOUND = Adapter("found", "test.txt", project=True, settings=())
OFFICIAL = Adapter("official", "bench-official.txt", "official", "opentelemetry-instrumentation-genai-openai", on=_ON, off=_OFF)

PEERS = (
    OFFICIAL,
    Adapter(
        "openinference",
        "bench-openinference.txt",
        "OpenInference",
        "openinference-instrumentation-openai",
        off=(("OPENINFERENCE_HIDE_INPUTS", "true"), ("OPENINFERENCE_HIDE_OUTPUTS", "true")),
    ),
    Adapter(
        "langfuse",
        "bench-langfuse.txt",
        "Langfuse",
        "langfuse",
        remark="its own processor in place of the `BatchSpanProcessor`, which it derives from; content off by its `mask`; "
        "nobody answers where it uploads images to",
    ),
    Adapter(
        "openlit",
        "bench-openlit.txt",
        "OpenLIT",
        "openlit",
        other_client=True,
        remark="refuses openai 3, so it is measured on openai 2; prices from an empty file",
    ),
    Adapter(
        "logfire",
        "bench-logfire.txt",
        "Logfire",
        "logfire",
        settings=(CONTENT, SAMPLED_OUT),
        remark="makes the providers itself, given the same processor and reader; has no switch for content",
    ),
    Adapter(
        "openllmetry",
        "bench-openllmetry.txt",
        "OpenLLMetry",
        "opentelemetry-instrumentation-openai",
        off=(("TRACELOOP_TRACE_CONTENT", "false"),),
    ),
    Adapter(
        "agentops",
        "bench-agentops.txt",
        "AgentOps SDK",
        "agentops",
        on=_NO_FILE,
        off=(("TRACELOOP_TRACE_CONTENT", "false"), *_NO_FILE),
        remark="joins the global providers made beforehand; its own exporters idle",
    ),
)
"""Whom this project is measured against."""
