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

from agentops.config import settings
from agentops.export.selection import Selection
from agentops.export.translate import translated
from agentops.export.transport import DEFAULT_TIMEOUT, Transport
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from google.protobuf.message import Message
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace import ReadableSpan

    from agentops.export.outcomes import Counts
    from agentops.spool.spool import Spool

_lock: Final = threading.Lock()
_unclaimed: Final[weakref.WeakSet[object]] = weakref.WeakSet()


class _Exporter:
    """What the exporters of the three signals share: a transport, and whether a provider has one."""

    def __init__(self, signal: str, endpoint: str | None, api_key: str | None, timeout: float, claimed: bool) -> None:
        """`claimed`: the caller knows which provider this one belongs to; others are taken for the next provider that is joined."""
        self._transport = Transport(signal, endpoint, api_key, timeout)
        self._spool = _spool(signal, endpoint, api_key)
        if not claimed:
            with _lock:
                _unclaimed.add(self)

    @property
    def endpoint(self) -> str:
        """The URL it sends to."""
        return self._transport.endpoint

    def start(self) -> None:
        """Have the thread that sends, so that it is there at the end of the program."""
        (self._spool or self._transport).start()

    def prepare(self) -> None:
        """Authenticate in the background, before there is anything to send."""
        (self._spool or self._transport).prepare()

    def counts(self) -> Counts:
        """How many items were delivered, dropped and why, and wait."""
        return (self._spool or self._transport).counts()

    def force_flush(self, timeout_millis: float = 5000) -> bool:
        """Wait until what was exported has been sent; False where it has not, in time or after 5 s."""
        return (self._spool or self._transport).flush(min(timeout_millis / 1000, DEFAULT_TIMEOUT))

    def shutdown(self, timeout_millis: float = 5000, **kwargs: Any) -> None:
        """Send what waits, for 5 s at most, and no more after that; what a spool holds by then, a later program sends."""
        if self._spool is None:
            self._transport.close(timeout_millis / 1000)
        else:
            from agentops.spool.spool import close_feeder

            close_feeder(self._spool)

    def _submit(self, encode: Callable[[], Message]) -> bool:
        try:
            return self._transport.submit(encode())
        except Exception as error:
            swallowed("AgentOps exporter", error)
            return False


class AgentOpsSpanExporter(_Exporter, SpanExporter):
    """Spans to AgentOps, in its own vocabulary. Defaults: AGENTOPS_EXPORTER_ENDPOINT, AGENTOPS_API_KEY, 5 seconds an attempt."""

    def __init__(
        self, *, endpoint: str | None = None, api_key: str | None = None, timeout: float = DEFAULT_TIMEOUT, claimed: bool = False
    ) -> None:
        super().__init__("traces", endpoint, api_key, timeout, claimed)
        self._selection = Selection()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Put those of `spans` in line that AGENTOPS_EXPORT chooses, without waiting. FAILURE: they are lost."""
        chosen = self._selection.chosen(spans)
        if self._spool is not None:
            for span in chosen:
                self._spool.ended(span)
            return SpanExportResult.SUCCESS
        if chosen and not self._submit(lambda: translated(encode_spans(chosen))):
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS


class AgentOpsMetricExporter(_Exporter, MetricExporter):
    """Metrics to AgentOps, beside its traces endpoint."""

    def __init__(
        self, *, endpoint: str | None = None, api_key: str | None = None, timeout: float = DEFAULT_TIMEOUT, claimed: bool = False
    ) -> None:
        MetricExporter.__init__(self)
        super().__init__("metrics", endpoint, api_key, timeout, claimed)

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """Put `metrics_data` in line, without waiting. FAILURE: it is lost."""
        return MetricExportResult.SUCCESS if self._submit(lambda: encode_metrics(metrics_data)) else MetricExportResult.FAILURE


class AgentOpsLogExporter(_Exporter, LogRecordExporter):
    """Log records to AgentOps, beside its traces endpoint."""

    def __init__(
        self, *, endpoint: str | None = None, api_key: str | None = None, timeout: float = DEFAULT_TIMEOUT, claimed: bool = False
    ) -> None:
        super().__init__("logs", endpoint, api_key, timeout, claimed)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Put `batch` in line, without waiting. FAILURE: it is lost."""
        if self._spool is not None:
            for record in batch:
                self._spool.logged(record)
            return LogRecordExportResult.SUCCESS
        return LogRecordExportResult.SUCCESS if self._submit(lambda: encode_logs(batch)) else LogRecordExportResult.FAILURE


def _spool(signal: str, endpoint: str | None, api_key: str | None) -> Spool | None:
    """What is recorded goes to disk first, if AGENTOPS_SPOOL says so: from here only once the SDK hands over its batch."""
    if not settings().spool or signal == "metrics" or not (api_key or settings().api_key):
        return None
    from agentops.spool.attach import agentops_spool

    found = agentops_spool(signal, endpoint, api_key)
    found.feeders += 1
    return found


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
