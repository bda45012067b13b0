"""Whether an SDK's version can be instrumented: OpenTelemetry's verdict, without asking it where plain numbers will do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.instrumentation.dependencies import get_dependency_conflicts

from agentops_instrumentors.core import versions

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.process import PythonRunner

LEASTS = ("1", "1.66", "1.66.0", "1.66.0.0", "1.66.1", "1.7.0", "2.0.0", "10.0")
INSTALLED = (*LEASTS, "1.66.0rc1", "1.66.0.post1", "1.66.0+local", "2.0.0.dev3", "1!1.0", "0.9")
REQUIREMENTS = (">=1.66.0", ">= 1.66.0, < 2", "== 1.66.0", "~= 1.66", "", "!= 1.66.0")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for number, version in enumerate(INSTALLED):
        metadata = tmp_path / f"vendor_{number}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vendor-{number}\nVersion: {version}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("wanted", [*(f">= {least}" for least in LEASTS), *REQUIREMENTS])
def test_the_verdict_is_opentelemetrys(wanted: str) -> None:
    names = [f"vendor-{number}" for number in range(len(INSTALLED))]
    for requirement in (f"{name} {wanted}".strip() for name in (*names, "not-installed")):
        theirs = get_dependency_conflicts([requirement])
        assert str(versions.conflict([requirement])) == str(theirs), requirement
    several = [f"{names[3]} >= 1.66", f"{names[0]} {wanted}".strip()]
    assert (versions.conflict(several) is None) == (get_dependency_conflicts(several) is None)


def test_plain_numbers_are_compared_without_packaging(run_python: PythonRunner, installed: Path) -> None:
    script = """
import sys
from agentops_instrumentors.core import versions
assert versions.conflict(["vendor-2 >= 1.66.0", "vendor-7 >= 2.0"]) is None
assert "packaging" not in sys.modules
assert "1.66.0" in str(versions.conflict(["vendor-2 >= 1.66.1"]))
"""
    run_python(script, pythonpath=[installed])
