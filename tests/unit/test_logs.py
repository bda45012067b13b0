"""Records of `logging` made in a session's span, as OpenTelemetry log records: which ones, what they carry, and what stays as it was."""

from __future__ import annotations

import io
import logging
import logging.config
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.context import Context, attach, detach
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from agentops.logs import tap
from agentops.logs.correlation import severity
from agentops.sessions import runtime
from agentops_instrumentors.core import content
from tests.fakes.in_memory import InMemory
from tests.unit.sessions_support import recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["recorded"]


@pytest.fixture
def tapped(recorded: InMemory) -> Iterator[InMemory]:
    """Records go to these providers, whatever the content mode."""
    tap.install(recorded.logger_provider, always=True)
    yield recorded
    tap.remove()


@pytest.fixture
def app() -> Iterator[logging.Logger]:
    logger = logging.getLogger("tests.app")
    logger.setLevel(logging.INFO)
    yield logger
    logger.setLevel(logging.NOTSET)
    logger.handlers.clear()
    logger.filters.clear()
    logger.propagate = True


def bodies(telemetry: InMemory) -> list[object]:
    return [log.log_record.body for log in telemetry.logs()]


def test_a_record_is_the_current_spans(tapped: InMemory, app: logging.Logger) -> None:
    app.warning("before")
    session = runtime.start_session("s")
    tracer = tapped.tracer_provider.get_tracer("t")
    with tracer.start_as_current_span("tool") as tool:
        app.warning("%d of %s", 3, "four", extra={"order": 7, "odd": object(), "ratio": 0.5})
    app.info("after the tool")
    session.end()
    app.warning("after")
    first, second = tapped.logs()
    record = first.log_record
    assert (record.trace_id, record.span_id) == (tool.get_span_context().trace_id, tool.get_span_context().span_id)
    assert record.trace_flags == tool.get_span_context().trace_flags
    assert (record.body, record.severity_number, record.severity_text) == ("3 of four", SeverityNumber.WARN, "WARN")
    assert dict(record.attributes or {}) == {"order": 7, "ratio": 0.5}
    assert first.instrumentation_scope is not None
    assert first.instrumentation_scope.name == "tests.app"
    assert second.log_record.span_id == session.span.get_span_context().span_id
    assert second.log_record.body == "after the tool"


def test_a_span_outside_of_sessions_has_no_records(tapped: InMemory, app: logging.Logger) -> None:
    with tapped.tracer_provider.get_tracer("t").start_as_current_span("request"):
        app.error("not an agent's")
    assert tapped.logs() == []


def test_an_ended_session_still_has_what_its_spans_say(tapped: InMemory, app: logging.Logger) -> None:
    session = runtime.start_session("s")
    with tapped.tracer_provider.get_tracer("t").start_as_current_span("tool"):
        ending = threading.Thread(target=session.end)
        ending.start()
        ending.join()
        app.info("late")
    assert bodies(tapped) == ["late"]


def test_levels_and_filters_of_loggers_decide(tapped: InMemory, app: logging.Logger) -> None:
    def mask(record: logging.LogRecord) -> bool:
        record.msg = str(record.msg).replace("secret", "***")
        return "drop" not in record.msg

    app.addFilter(mask)
    with runtime.start_session("s"):
        app.debug("too fine")
        app.info("a secret")
        app.info("drop this")
        app.propagate = False
        app.info("kept from the root")
    assert bodies(tapped) == ["a ***", "kept from the root"]


def test_what_a_handlers_filter_takes_out_stays_out(tapped: InMemory, app: logging.Logger) -> None:
    def mask(record: logging.LogRecord) -> bool:
        record.msg = "***"
        return True

    handler = logging.StreamHandler(io.StringIO())
    handler.addFilter(mask)
    app.addHandler(handler)
    with runtime.start_session("s"):
        app.info("a secret")
    assert bodies(tapped) == ["***"]


def test_telemetrys_own_loggers_and_suppressed_code_are_left_out(tapped: InMemory, app: logging.Logger) -> None:
    with runtime.start_session("s"):
        for name in ("agentops", "agentops.export", "opentelemetry", "opentelemetry.sdk.trace"):
            logging.getLogger(name).error("ours")
        logging.getLogger("agentops_program").error("theirs")
        with suppress_instrumentation():
            app.error("by an exporter")
    assert bodies(tapped) == ["theirs"]


def test_an_exception_is_told_by_the_content_policy(tapped: InMemory, app: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        try:
            raise LookupError("card 4111")
        except LookupError:
            app.exception("failed")

    with runtime.start_session("s"):
        fail()
        monkeypatch.setattr(
            content, "_policy", content.Policy(content.ContentMode.SPAN_ONLY, redactor=lambda text: text.replace("4111", "#"))
        )
        fail()
        app.info("4111", extra={"card": "4111"})
    without, with_content, redacted = (log.log_record for log in tapped.logs())
    assert dict(without.attributes or {}) == {"exception.type": "LookupError"}
    assert without.severity_number is SeverityNumber.ERROR
    found = dict(with_content.attributes or {})
    assert found["exception.message"] == "card #"
    assert "in fail" in str(found["exception.stacktrace"])
    assert "4111" not in repr(found)
    assert (redacted.body, dict(redacted.attributes or {})) == ("#", {"card": "#"})


def test_content_off_and_no_exporter_of_the_programs_own(recorded: InMemory, app: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    tap.install(recorded.logger_provider, always=False)
    try:
        with runtime.start_session("s"):
            app.info("nobody's")
            monkeypatch.setattr(content, "_policy", content.Policy(content.ContentMode.SPAN_ONLY))
            app.info("kept")
    finally:
        tap.remove()
    assert bodies(recorded) == ["kept"]


def test_unsampled_sessions_have_none(app: logging.Logger) -> None:
    token = attach(Context())
    with InMemory(ALWAYS_OFF) as telemetry:
        runtime.install(telemetry.tracer_provider)
        tap.install(telemetry.logger_provider, always=True)
        try:
            with runtime.start_session("s"):
                app.error("unsampled")
        finally:
            tap.remove()
            detach(token)
        assert telemetry.logs() == []


class LoggingHandler(logging.Handler):
    """As OpenTelemetry's two handlers are named; it exports by itself."""

    def emit(self, record: logging.LogRecord) -> None:
        """Elsewhere."""


LoggingHandler.__module__ = "opentelemetry.instrumentation.logging.handler"


def test_a_record_that_opentelemetrys_handler_exports_is_not_sent_twice(tapped: InMemory, app: logging.Logger) -> None:
    handler, root = LoggingHandler(logging.WARNING), logging.getLogger()
    with runtime.start_session("s"):
        root.addHandler(handler)
        try:
            app.warning("the handler's")
            app.info("below the handler's level")
            app.propagate = False
            app.warning("out of the handler's reach")
        finally:
            root.removeHandler(handler)
        app.addHandler(handler)
        app.warning("the handler's again")
        app.removeHandler(handler)
        app.warning("after the handler")
    assert bodies(tapped) == ["below the handler's level", "out of the handler's reach", "after the handler"]


def test_the_sdks_own_handler_is_known(tapped: InMemory, app: logging.Logger) -> None:
    from opentelemetry.sdk._logs import LoggingHandler as SDKHandler

    with pytest.warns(DeprecationWarning, match="LoggingHandler"):
        handler = SDKHandler(logger_provider=tapped.logger_provider)
    app.addHandler(handler)
    with runtime.start_session("s"):
        app.info("once")
    assert bodies(tapped) == ["once"]


def test_the_programs_logging_is_as_it_was(recorded: InMemory, capsys: pytest.CaptureFixture[str]) -> None:
    method, root = logging.Logger.callHandlers, logging.getLogger()
    before, kept = root.handlers[:], logging.lastResort
    tap.install(recorded.logger_provider, always=True)
    try:
        assert root.handlers == before
        root.handlers.clear()
        # The handler of last resort and basicConfig act on a root logger without handlers only.
        logging.lastResort = logging._StderrHandler(logging.WARNING)  # type: ignore[attr-defined]
        logging.getLogger("tests.bare").warning("on stderr")
        assert capsys.readouterr().err == "on stderr\n"
        logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.INFO)
        assert len(root.handlers) == 1
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, "root": {"level": "INFO", "handlers": []}})
        with runtime.start_session("s"):
            logging.getLogger("tests.bare").info("after dictConfig")
    finally:
        tap.remove()
        root.handlers[:] = before
        root.setLevel(logging.WARNING)
        logging.lastResort = kept
    assert bodies(recorded) == ["after dictConfig"]
    assert logging.Logger.callHandlers is method


def test_a_processor_that_logs_does_not_feed_itself(tapped: InMemory, app: logging.Logger) -> None:
    class Chatty(LogRecordProcessor):
        def on_emit(self, log_record: object) -> None:
            app.error("about a record")

        def shutdown(self) -> None: ...

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return True

    tapped.logger_provider.add_log_record_processor(Chatty())
    with runtime.start_session("s"):
        app.info("one")
    assert bodies(tapped) == ["one"]


def test_bad_arguments_are_the_programs_affair(tapped: InMemory, app: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    with runtime.start_session("s"):
        app.info("%d", "not a number")
        app.info("fine")
    assert bodies(tapped) == ["fine"]


def test_threads_at_once(tapped: InMemory, app: logging.Logger) -> None:
    def work(number: int) -> None:
        with runtime.start_session(f"s{number}") as session:
            for _ in range(20):
                app.info(session.trace_id)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tapped.logs()) == 160
    assert all(log.log_record.body == f"{log.log_record.trace_id:032x}" for log in tapped.logs())


@pytest.mark.parametrize(
    ("level", "number"),
    [(0, 0), (5, 0), (10, 5), (12, 7), (19, 8), (20, 9), (25, 12), (30, 13), (39, 16), (40, 17), (50, 21), (53, 24), (1000, 24)],
)
def test_severity(level: int, number: int) -> None:
    assert severity(level).value == number
