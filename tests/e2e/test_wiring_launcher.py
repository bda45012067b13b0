"""Beside other vendors' distros, declarative files and what the launcher itself reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.combinations import BOTH, IN_A_SESSION, OTLP, same_session, started

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VENDOR = """
import os
from opentelemetry.instrumentation.distro import BaseDistro
from opentelemetry.sdk._configuration import _OTelSDKConfigurator

class Distro(BaseDistro):
    def _configure(self, **kwargs):
        os.environ.setdefault("OTEL_TRACES_EXPORTER", "otlp")
        os.environ.setdefault("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")

class Configurator(_OTelSDKConfigurator):
    pass
"""
VENDOR_ENTRY_POINTS = """
[opentelemetry_distro]
vendor = vendor_distro:Distro

[opentelemetry_configurator]
vendor = vendor_distro:Configurator
"""


@pytest.fixture
def vendor(tmp_path: Path) -> Path:
    """A folder with another vendor's distro, found before ours."""
    folder = tmp_path / "vendor"
    metadata = folder / "vendor_distro-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: vendor-distro\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(VENDOR_ENTRY_POINTS, encoding="utf-8")
    (folder / "vendor_distro.py").write_text(VENDOR, encoding="utf-8")
    return folder


@pytest.mark.parametrize(("env", "copies"), [(BOTH, (1, 1, 0)), (OTLP, (0, 1, 0))])
def test_another_vendors_distro_keeps_its_place_and_is_joined(
    tmp_path: Path, vendor: Path, env: Mapping[str, str], copies: tuple[int, int, int]
) -> None:
    outcome = started(tmp_path, IN_A_SESSION, env, pythonpath=(vendor,))
    assert outcome.copies() == outcome.copies("agentops.session") == copies
    assert same_session(outcome) == "NO_CONTENT"
    assert "telemetry.distro.name" not in outcome.span().resource


def test_a_misspelt_variable_is_said_once_even_where_the_launcher_reads_it_too(tmp_path: Path) -> None:
    outcome = started(tmp_path, 'print("done")', {"OTEL_PYTHON_DISTRO": "distro", "AGENTOPS_LOCALDIR": "x"})
    assert outcome.errors.count("AGENTOPS_LOCALDIR") == 1


def test_starting_in_code_leaves_the_choice_of_distro_to_child_processes(tmp_path: Path) -> None:
    program = IN_A_SESSION + "import os\nprint([name for name in os.environ if name.startswith('OTEL_PYTHON_')])"
    assert started(tmp_path, program, {}, instrument=False).output.splitlines()[-1] == "[]"


def test_a_declarative_file_that_cannot_be_read_is_said_and_the_program_runs(tmp_path: Path) -> None:
    outcome = started(tmp_path, 'print("done")', {"OTEL_CONFIG_FILE": "missing.yaml"})
    assert outcome.output == "done\n"
    assert len(outcome.errors.splitlines()) == 1
    assert "OTEL_CONFIG_FILE" in outcome.errors or "missing.yaml" in outcome.errors
