"""Settings of OTLP exporters that cannot be used: one line that names the variable, and the program runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agentops.otlp_settings import is_url
from tests.e2e.combinations import PROGRAM, stored_spans

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.agentops_backend import FakeAgentOps
    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner

QUIET = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
SECRET = "s3cret"


BAD = {
    "OTEL_EXPORTER_OTLP_TIMEOUT": "soon",
    "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "zip",
    "OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere/ca.pem",
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE": __file__,
    "OTEL_EXPORTER_OTLP_CLIENT_KEY": "/nowhere/key.pem",
    "OTEL_EXPORTER_OTLP_HEADERS": f"x-good={SECRET},no separator,x-bad=a%0Ab",
}


def test_each_setting_that_cannot_be_used_is_said_in_one_line(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    done = run_python(PROGRAM, env={**QUIET, "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url, **BAD}, instrument=True)
    assert done.stdout == "done\n"
    said = done.stderr.splitlines()
    assert len(said) == len(BAD)
    assert [name for name in BAD if sum(f" {name}" in line for line in said) != 1] == []
    assert SECRET not in done.stderr
    (request,) = otlp_sink.requests
    assert request.headers["x-good"] == SECRET
    assert len(otlp_sink.spans("work")) == 1


def test_an_endpoint_that_is_none_is_said_in_one_line_and_spans_stay_here(run_python: PythonRunner, agentops_local_dir: Path) -> None:
    done = run_python(PROGRAM, env={**QUIET, "OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"}, instrument=True)
    assert done.stdout == "done\n"
    (line,) = [line for line in done.stderr.splitlines() if "OTEL_EXPORTER_OTLP_ENDPOINT" in line]
    assert "localhost:4318" in line
    assert [span["name"] for span in stored_spans(agentops_local_dir)] == ["work"]


@pytest.mark.parametrize(
    ("value", "usable"),
    [
        ("http://localhost:4318", True),
        ("https://[::1]:4318/base", True),
        ("http://", False),
        ("http://[::1", False),
        ("http://127.0.0.1:99999", False),
        ("ftp://host", False),
        ("host", False),
    ],
)
def test_what_is_a_url(value: str, usable: bool) -> None:
    assert is_url(value) is usable


def test_a_certificate_bundle_that_is_none_is_said_of_agentops_too(run_python: PythonRunner, agentops_backend: FakeAgentOps) -> None:
    places = {name: value.replace("http://", "https://") for name, value in agentops_backend.places.items()}
    env = {**QUIET, **places, "AGENTOPS_API_KEY": agentops_backend.keys[0], "REQUESTS_CA_BUNDLE": "/nowhere/ca.pem"}
    done = run_python(PROGRAM, env=env, instrument=True)
    assert done.stdout == "done\n"
    assert sum("REQUESTS_CA_BUNDLE='/nowhere/ca.pem'" in line for line in done.stderr.splitlines()) == 1
