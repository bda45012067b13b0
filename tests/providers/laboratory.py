"""A laboratory runs a body twice, bare and instrumented, and compares."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from agentops_instrumentors.core import dropped, guard
from agentops_instrumentors.core.content import ContentMode, Policy
from tests.providers.differential import observe
from tests.providers.observation import Eyes, compare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

    from tests.fakes.in_memory import InMemory
    from tests.providers.differential import Body, Vendor


class Laboratory:
    """Runs a body bare and instrumented and compares; afterwards `spans` is what was recorded."""

    def __init__(self, vendor: Vendor, telemetry: InMemory) -> None:
        self.vendor = vendor
        self.server: Any = vendor.server
        self.telemetry = telemetry
        self.options: dict[str, Any] = {**telemetry.kwargs, "policy": Policy(ContentMode.SPAN_ONLY)}

    def both(self, body: Body, mode: str, spans: int | None = 1, readable: bool = True) -> Eyes:
        """What the instrumented run saw, once it is proven to be what the bare one saw.

        Ours may say that it could not read an answer only where the service's answer is not `readable`.
        """
        before = guard.failures()
        bare, _ = observe(body, mode, self.vendor)
        assert self.telemetry.started == 0
        with self.instrumented():
            ours, eyes = observe(body, mode, self.vendor, bare.connections)
        if ours.connections > bare.connections:
            # Whether a finished connection goes back to the client's pool is a race of the client's own: what bare ever does, ours may do.
            bare.connections = max(observe(body, mode, self.vendor)[0].connections for _ in range(8))
        if not readable:
            ours.own = [text for text in ours.own if not text.startswith(self.vendor.unreadable)]
        compare(bare, ours)
        dropped.flush(10)
        assert guard.failures() == before or not readable
        self.telemetry.assert_balanced(spans)
        return eyes

    @contextmanager
    def instrumented(self, **options: Any) -> Iterator[None]:
        """`with laboratory.instrumented():` patches the SDK, and leaves it as it was."""
        instrumentor = self.vendor.instrumentor()
        instrumentor.instrument(**{**self.options, **options})
        try:
            yield
        finally:
            instrumentor.uninstrument()

    @property
    def span(self) -> ReadableSpan:
        """The one span recorded."""
        (span,) = self.telemetry.spans()
        return span
