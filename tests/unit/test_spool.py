"""One spool and one real receiver: what arrives, how often, what stays on disk, what is lost and where that is told."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from agentops.export import measures
from agentops.export.otlp import Target
from agentops.spool import spool as spools
from agentops.spool.cursor import SUFFIX, Cursor
from agentops.spool.drops import FILE, OLDER, Drops, kept
from agentops.spool.place import Place, described
from agentops.spool.processors import SpoolLogProcessor, SpoolSpanProcessor
from agentops.spool.receivers import SpooledOtlp
from agentops.spool.spool import Spool
from agentops.spool.state import states
from agentops.store import liveness
from agentops.store.files import Limits, stored_files
from agentops_instrumentors.core import guard
from tests.fakes.otlp_sink import Behaviour, OtlpSink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fakes.http import Reply, Request

SMALL = Limits(largest_file=4096)
LIVE = """
from pathlib import Path
from agentops.store import liveness
marker = liveness.claim(Path({folder!r}), {run!r})
print(marker is not None, flush=True)
input()
"""


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_said", set())


@pytest.fixture
def make(otlp_sink: OtlpSink) -> Iterator[Callable[..., Spool]]:
    made: list[Spool] = []

    def make(signal: str = "traces", limits: Limits | None = None, timeout: float = 5.0, **place: str) -> Spool:
        url = f"{otlp_sink.url}/v1/{signal}"
        receiver = SpooledOtlp(Target(signal, url, timeout=timeout), "the test", keeps=True)
        made.append(Spool(Place("otlp", signal, place.get("url", url), place.get("account", "")), receiver, limits=limits))
        return made[-1]

    yield make
    otlp_sink.release()
    for each in made:
        close(each, 0.2)


def close(spool: Spool, seconds: float = 5.0) -> bool:
    spool.begin_close(time.monotonic() + seconds)
    return spool.finish_close()


def recorder(spool: Spool) -> Callable[..., None]:
    """Ends a span of the name given, with so many bytes of filling."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SpoolSpanProcessor(spool))
    tracer = provider.get_tracer("test")

    def record(name: str, filling: int = 0, **attributes: Any) -> None:
        tracer.start_span(name, attributes={"filling": "x" * filling, **attributes}).end()

    return record


def names(sink: OtlpSink) -> list[str]:
    return [span.name for span in sink.spans()]


def left(spool: Spool) -> list[str]:
    return sorted(path.name for path in spool.place.folder.rglob("*") if path.is_file() and path.name not in ("place.json", FILE))


def test_what_is_recorded_arrives_once_and_leaves_nothing(make: Callable[..., Spool], otlp_sink: OtlpSink) -> None:
    spool = make(limits=SMALL)
    record = recorder(spool)
    for number in range(300):
        record(f"span {number}", 200)
        if number % 50 == 0:
            assert spool.flush(10)
    assert spool.flush(10)
    assert sorted(names(otlp_sink)) == sorted(f"span {number}" for number in range(300))
    # Files that have been sent go while the process runs; only the current one stays.
    assert len(stored_files(spool.place.folder)) <= 2
    assert close(spool)
    assert left(spool) == []
    assert spool.counts().delivered == 300
    assert described(spool.place.folder).url == spool.url


def test_log_records_arrive(make: Callable[..., Spool], otlp_sink: OtlpSink) -> None:
    spool = make("logs")
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SpoolLogProcessor(spool))
    provider.get_logger("app").emit(body={"k": [1, "two"]}, event_name="said", attributes={"a": 1})
    assert provider.force_flush()
    (log,) = otlp_sink.logs("said")
    assert (log.body, log.attributes) == ({"k": [1, "two"]}, {"a": 1})


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(status=503),
        Behaviour(status=429, retry_after=0),
        Behaviour(status=500),
        Behaviour(status=502),
        Behaviour(drop=True),
    ],
)
def test_a_receiver_that_comes_back_gets_everything_once(make: Callable[..., Spool], otlp_sink: OtlpSink, behaviour: Behaviour) -> None:
    otlp_sink.behave(behaviour, times=2)
    spool = make(limits=SMALL)
    record = recorder(spool)
    for number in range(40):
        record(f"span {number}", 300)
        time.sleep(0.01)
    assert otlp_sink.wait_for(lambda: len(otlp_sink.spans()) >= 40, 30)
    assert spool.flush(10)
    assert Counter(names(otlp_sink)) == Counter({f"span {number}": 1 for number in range(40)})
    assert spool.counts().dropped == {}


def test_a_receiver_that_hangs_is_left_and_gets_it_again(make: Callable[..., Spool], otlp_sink: OtlpSink) -> None:
    otlp_sink.behave(Behaviour(hang=True), times=1)
    spool = make(timeout=0.3)
    recorder(spool)("hung")
    assert otlp_sink.wait_for(lambda: names(otlp_sink) == ["hung"], 20)


def test_a_receiver_that_answers_late_does_not_get_it_over_and_over(make: Callable[..., Spool], otlp_sink: OtlpSink) -> None:
    otlp_sink.behave(Behaviour(delay=1.0))
    spool = make(timeout=0.3)
    recorder(spool)("late")
    assert spool.flush(30)
    assert 1 < len(names(otlp_sink)) <= 4
    assert spool.counts().delivered == 1


class Breaking(OtlpSink):
    """Answers 500 whatever else is in a request with the span `poison`."""

    broken = True

    def respond(self, request: Request) -> Reply:
        self.behave(Behaviour(status=500) if self.broken and b"poison" in request.body else Behaviour())
        return super().respond(request)


def test_what_breaks_the_receiver_does_not_hold_up_the_rest() -> None:
    with Breaking() as sink:
        url = f"{sink.url}/v1/traces"
        spool = Spool(Place("otlp", "traces", url, ""), SpooledOtlp(Target("traces", url), "the test", keeps=True))
        record = recorder(spool)
        record("poison")
        assert sink.wait_for(lambda: sink.requests, 10)
        for number in range(3):
            record(f"good {number}")
            assert sink.wait_for(lambda: f"good {number}" in names(sink), 20), names(sink)  # noqa: B023
        assert "poison" not in names(sink)
        (data,) = stored_files(spool.place.folder)
        assert Cursor.of(data.path).aside
        sink.broken = False
        assert sink.wait_for(lambda: "poison" in names(sink), 30)
        assert spool.flush(10)
        assert close(spool)
        assert Counter(names(sink)).most_common(1)[0][1] == 1


class Narrow(OtlpSink):
    """Takes requests of 3000 bytes at most."""

    def respond(self, request: Request) -> Reply:
        self.behave(Behaviour(status=413 if len(request.body) > 3000 else 200))
        return super().respond(request)


def test_what_is_too_large_is_sent_in_parts() -> None:
    with Narrow() as sink:
        url = f"{sink.url}/v1/traces"
        spool = Spool(Place("otlp", "traces", url, ""), SpooledOtlp(Target("traces", url), "the test", keeps=True))
        record = recorder(spool)
        for number in range(20):
            record(f"span {number}", 400)
        record("large", 9000)
        assert spool.flush(20)
        assert Counter(names(sink)) == Counter({"large": 1, **{f"span {number}": 1 for number in range(20)}})
        (large,) = sink.spans("large")
        assert large.attributes["filling"].endswith("bytes cut)")
        assert close(spool)


def test_what_is_rejected_or_refused_for_good_is_counted_and_kept_count_of(
    make: Callable[..., Spool], otlp_sink: OtlpSink, caplog: pytest.LogCaptureFixture
) -> None:
    spool = make()
    record = recorder(spool)
    otlp_sink.behave(Behaviour(rejected=2, message="no such tenant"), times=1)
    for number in range(3):
        record(f"span {number}")
    assert spool.flush(10)
    otlp_sink.behave(Behaviour(status=400), times=1)
    record("bad")
    assert spool.flush(10)
    assert spool.counts().dropped == {"rejected": 2, "HTTP 400": 1}
    assert spool.counts().delivered == 1
    assert "no such tenant" in caplog.text
    assert kept(spool.place.folder)[0] == {"rejected": 2, "HTTP 400": 1}
    (state,) = states()
    assert (state.waiting, state.dropped) == (0, {"rejected": 2, "HTTP 400": 1})


@pytest.mark.parametrize("behaviour", [Behaviour(status=401), Behaviour(status=404), Behaviour(redirect="http://127.0.0.1:1/")])
def test_a_wrong_place_or_key_keeps_it(make: Callable[..., Spool], otlp_sink: OtlpSink, behaviour: Behaviour) -> None:
    otlp_sink.behave(behaviour)
    spool = make()
    recorder(spool)("kept")
    assert not spool.flush(0.5)
    assert not close(spool)
    assert spool.counts().dropped == {}
    (state,) = states()
    assert (state.waiting, state.description.name, state.oldest > time.time() - 60) == (1, "otlp", True)


def test_a_dead_process_is_taken_over_and_a_live_one_is_not(make: Callable[..., Spool], otlp_sink: OtlpSink) -> None:
    spool = make()
    folder = spool.place.folder
    for pid in (1, os.getppid()):
        # A marker and a file each, as a process leaves them; only the first has let go of its lock.
        (folder / liveness.FOLDER).mkdir(parents=True, exist_ok=True)
        (folder / liveness.FOLDER / f"{pid}-ab").touch()
    template = '{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{0:032x}","spanId":"{0:016x}","name":"{1}"}}]}}]}}]}}\n'
    dead = folder / "20261121T080000000Z-1-ab.jsonl"
    dead.write_text(template.format(1, "sent before") + template.format(2, "left") + template.format(3, "torn")[:60])
    cursor = Cursor.of(dead)
    cursor.offset = len(template.format(1, "sent before"))
    cursor.save()
    holding = LIVE.format(folder=str(folder), run=f"{os.getppid()}-ab")
    alive = subprocess.Popen([sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert alive.stdout is not None
    assert alive.stdout.readline() == "True\n"
    (folder / f"20261121T080000000Z-{os.getppid()}-ab.jsonl").write_text(template.format(4, "another's"))
    spool.start()
    assert otlp_sink.wait_for(lambda: names(otlp_sink) == ["left"])
    assert close(spool)
    assert set(left(spool)) == {f"20261121T080000000Z-{os.getppid()}-ab.jsonl", f"{os.getppid()}-ab"}
    alive.kill()
    alive.communicate()
    other = make()
    other.start()
    assert otlp_sink.wait_for(lambda: names(otlp_sink) == ["left", "another's"])
    assert close(other)
    assert left(other) == []


def test_bounds_of_bytes_lose_what_has_waited_longest_and_count_it(
    make: Callable[..., Spool], otlp_sink: OtlpSink, caplog: pytest.LogCaptureFixture
) -> None:
    otlp_sink.behave(Behaviour(status=503))
    spool = make(limits=Limits(max_bytes=80_000, largest_file=10_000))
    record = recorder(spool)
    for number in range(300):
        record(f"span {number}", 1000)
        if number % 5 == 0:
            spool.writer.flush()
    spool.writer.flush()
    assert sum(file.size for file in stored_files(spool.place.folder)) <= 90_000
    lost = spool.counts().dropped["too_much"]
    assert 200 < lost < 290
    assert caplog.text.count("is at its limit (AGENTOPS_LOCAL_MAX_BYTES)") == 1
    otlp_sink.behave(Behaviour())
    assert otlp_sink.wait_for(lambda: "span 299" in names(otlp_sink), 40)
    assert spool.flush(5)
    # What was being sent when its file was removed has arrived and is counted as lost: at most one block.
    assert 300 <= len(set(names(otlp_sink))) + lost <= 320
    assert f"span {lost + 5}" in names(otlp_sink)


def test_bounds_of_age_lose_what_is_too_old(make: Callable[..., Spool], otlp_sink: OtlpSink) -> None:
    otlp_sink.behave(Behaviour(status=503))
    first = make()
    recorder(first)("old")
    assert not close(first, 0.5)
    (file,) = stored_files(first.place.folder)
    aged = file.path.with_name(file.path.name.replace(f"-{os.getpid()}-", "-999999999-"))
    file.path.rename(aged)
    (first.place.folder / liveness.FOLDER / file.name.run).unlink()
    os.utime(aged, (1, 1))
    otlp_sink.behave(Behaviour())
    second = make()
    recorder(second)("new")
    assert second.flush(10)
    assert names(otlp_sink) == ["new"]
    assert second.counts().dropped == {"too_old": 1}


def test_a_disk_that_cannot_be_written_is_one_warning_and_memory(
    make: Callable[..., Spool], otlp_sink: OtlpSink, caplog: pytest.LogCaptureFixture
) -> None:
    spool = make()
    spool.place.folder.parent.mkdir(parents=True)
    spool.place.folder.write_text("in the way")
    record = recorder(spool)
    otlp_sink.behave(Behaviour(status=503), times=2)
    for number in range(5):
        record(f"span {number}")
        spool.writer.flush()
    assert spool.flush(10)
    assert sorted(names(otlp_sink)) == [f"span {number}" for number in range(5)]
    assert caplog.text.count("cannot be written (") == 1
    spool.place.folder.unlink()
    record("written again")
    assert spool.flush(10)
    assert stored_files(spool.place.folder)
    assert close(spool)


def test_what_waits_in_memory_only_is_lost_with_the_process_and_said(
    make: Callable[..., Spool], otlp_sink: OtlpSink, caplog: pytest.LogCaptureFixture
) -> None:
    spool = make()
    spool.place.folder.parent.mkdir(parents=True)
    spool.place.folder.write_text("in the way")
    otlp_sink.behave(Behaviour(status=503))
    recorder(spool)("lost")
    assert not close(spool, 1.0)
    assert spool.counts().dropped == {"not_sent_before_the_end": 1}
    assert "1 items" in caplog.text


def test_the_end_waits_no_longer_than_it_may(make: Callable[..., Spool], otlp_sink: OtlpSink) -> None:
    otlp_sink.behave(Behaviour(hang=True))
    spool = make()
    recorder(spool)("hung")
    time.sleep(0.3)
    began = time.monotonic()
    assert not close(spool, 1.0)
    assert time.monotonic() - began < 4
    assert left(spool) != []


def test_a_backlog_too_large_for_the_end_stays_and_is_said(make: Callable[..., Spool], otlp_sink: OtlpSink) -> None:
    otlp_sink.behave(Behaviour(delay=0.3))
    spool = make(limits=SMALL)
    record = recorder(spool)
    for number in range(40):
        record(f"span {number}", 3000)
        spool.writer.flush()
    assert not close(spool, 1.0)
    assert left(spool)
    assert len(names(otlp_sink)) < 40
    assert spool.counts().dropped == {}


def test_several_processors_and_threads_share_a_spool(make: Callable[..., Spool], otlp_sink: OtlpSink) -> None:
    spool = make(limits=SMALL)
    records = [recorder(spool), recorder(spool)]
    threads = [
        threading.Thread(target=lambda number=number: [records[number % 2](f"{number}.{count}") for count in range(100)])
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spool.flush(10)
    assert Counter(names(otlp_sink)) == Counter({f"{number}.{count}": 1 for number in range(4) for count in range(100)})


def test_spans_that_are_not_sampled_are_not_sent(make: Callable[..., Spool], otlp_sink: OtlpSink) -> None:
    spool = make()
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    provider.add_span_processor(SpoolSpanProcessor(spool))
    provider.get_tracer("test").start_span("unseen").end()
    assert spool.flush(5)
    assert not otlp_sink.requests


def test_accounts_and_receivers_have_folders_of_their_own() -> None:
    places = [Place("otlp", "traces", "http://a/v1/traces", key) for key in ("one", "two")] + [Place("otlp", "traces", "http://b", "one")]
    assert len({place.folder for place in places}) == 3
    assert not any("one" in str(place.folder.name) for place in places)


def test_a_damaged_cursor_or_line_costs_no_more_than_itself(make: Callable[..., Spool], otlp_sink: OtlpSink) -> None:
    otlp_sink.behave(Behaviour(status=503))
    first = make()
    record = recorder(first)
    for number in range(3):
        record(f"span {number}")
        first.writer.flush()
    assert not close(first, 0.5)
    (file,) = stored_files(first.place.folder)
    lines = file.path.read_bytes().splitlines(keepends=True)
    dead = file.path.with_name("20261121T080000000Z-1-ab.jsonl")
    dead.write_bytes(lines[0] + b"no json\n" + lines[2])
    dead.with_name(dead.name + SUFFIX).write_bytes(b"{garbage")
    file.path.unlink()
    otlp_sink.behave(Behaviour())
    second = make()
    second.start()
    assert otlp_sink.wait_for(lambda: names(otlp_sink) == ["span 0", "span 2"])
    assert otlp_sink.wait_for(lambda: second.counts().dropped == {"unreadable": 1})


def test_what_was_lost_is_kept_within_bounds(tmp_path: Path) -> None:
    drops = Drops(tmp_path)
    for _ in range(5000):
        drops.add("HTTP 400", 2)
        drops.save()
    assert (tmp_path / OLDER).stat().st_size + (tmp_path / FILE).stat().st_size < 200_000
    counts, since = kept(tmp_path)
    assert counts["HTTP 400"] > 1000
    assert since > time.time() - 600


def test_delivered_and_lost_are_metrics_by_their_conventional_names(
    make: Callable[..., Spool], otlp_sink: OtlpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = make()
    monkeypatch.setattr(spools, "_spools", {spool.place: spool})
    reader = InMemoryMetricReader()
    measures.create(MeterProvider([reader], shutdown_on_exit=False))
    record = recorder(spool)
    record("good")
    assert spool.flush(10)
    otlp_sink.behave(Behaviour(status=400), times=1)
    record("bad")
    assert spool.flush(10)
    data = reader.get_metrics_data()
    assert data is not None
    metrics = {metric.name: metric for resource in data.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics}
    exported = metrics["otel.sdk.exporter.span.exported"]
    points = [point for point in exported.data.data_points if point.attributes["otel.component.type"] == "agentops_spool_otlp"]
    assert [(point.value, point.attributes.get("error.type")) for point in points] == [(1, None), (1, "HTTP 400")]
    assert {(point.attributes["server.address"], point.attributes["server.port"]) for point in points} == {("127.0.0.1", otlp_sink.port)}
    assert exported.unit == "{span}"
