"""Exporters to the AgentOps backend for the three signals, on OpenTelemetry's public OTLP encoders.

Entry points `agentops` of `opentelemetry_{traces,metrics,logs}_exporter`. Every argument is a keyword with a default from the
environment, so that they can be named in OTEL_TRACES_EXPORTER and in a declarative file. They send only headers of their own:
OTEL_EXPORTER_OTLP_HEADERS carries other vendors' keys.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from agentops.export.transport import DEFAULT_TIMEOUT, Transport
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace import ReadableSpan

_lock: Final = threading.Lock()
_unclaimed: Final[weakref.WeakSet[object]] = weakref.WeakSet()


class AgentOpsSpanExporter(SpanExporter):
    """Spans to AgentOps. Defaults: AGENTOPS_EXPORTER_ENDPOINT, AGENTOPS_API_KEY, 5 seconds."""

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        api_key: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        claimed: bool = False,
    ) -> None:
        """`claimed`: the caller knows which provider this one belongs to; others are taken for the next provider that is joined."""
        self._transport = Transport("traces", endpoint, api_key, timeout)
        _register(self, claimed)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send `spans`; FAILURE means they are lost."""
        sent = _send(self._transport, lambda: encode_spans(spans).SerializeToString())
        return SpanExportResult.SUCCESS if sent else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Stop retrying."""
        self._transport.close()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is held back here."""
        return True


class AgentOpsMetricExporter(MetricExporter):
    """Metrics to AgentOps, beside its traces endpoint."""

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        api_key: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        claimed: bool = False,
    ) -> None:
        """`claimed`: as for spans."""
        super().__init__()
        self._transport = Transport("metrics", endpoint, api_key, timeout)
        _register(self, claimed)

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """Send `metrics_data`."""
        sent = _send(self._transport, lambda: encode_metrics(metrics_data).SerializeToString())
        return MetricExportResult.SUCCESS if sent else MetricExportResult.FAILURE

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Stop retrying."""
        self._transport.close()

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing is held back here."""
        return True


class AgentOpsLogExporter(LogRecordExporter):
    """Log records to AgentOps, beside its traces endpoint."""

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        api_key: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        claimed: bool = False,
    ) -> None:
        """`claimed`: as for spans."""
        self._transport = Transport("logs", endpoint, api_key, timeout)
        _register(self, claimed)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Send `batch`."""
        sent = _send(self._transport, lambda: encode_logs(batch).SerializeToString())
        return LogRecordExportResult.SUCCESS if sent else LogRecordExportResult.FAILURE

    def shutdown(self) -> None:
        """Stop retrying."""
        self._transport.close()

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        """Nothing is held back here."""
        return True


def claim(kind: type[object]) -> bool:
    """Take one exporter of `kind` built by someone else for the provider being joined, which then needs no other.

    The environment, a declarative file and the application build exporters; which provider one is on cannot be seen from
    outside, but it is put on one before that provider is joined. False: there is none.
    """
    with _lock:
        found = next((exporter for exporter in _unclaimed if isinstance(exporter, kind)), None)
        if found is not None:
            _unclaimed.discard(found)
        return found is not None


def _register(exporter: object, claimed: bool) -> None:
    if not claimed:
        with _lock:
            _unclaimed.add(exporter)


def _send(transport: Transport, encode: Callable[[], bytes]) -> bool:
    try:
        return transport.send(encode())
    except Exception as error:
        swallowed("AgentOps exporter", error)
        return False
