"""The wheel, the sdist and what is in them; the wheel works in an environment that holds nothing else of this project."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    from tests.fakes.openai_server import FakeOpenAI
    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
CALL = "import openai\nopenai.OpenAI().embeddings.create(model='text-embedding-3-small', input='hi')\n"


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, built from this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    run(UV, "build", "--offline", "--no-build-isolation", "--python", sys.executable, "--out-dir", folder, "--quiet", ROOT)
    return folder


def run(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_its_roots_and_nothing_of_the_workshop(distributions: Path) -> None:
    (wheel,) = distributions.glob("*.whl")
    assert __version__ in wheel.name
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {
        "agentops",
        "agentops_instrumentors",
        "agentops_conformance",
    }
    assert {
        "agentops/py.typed",
        "agentops_instrumentors/py.typed",
        "agentops_conformance/py.typed",
        "agentops_conformance/registry/registry.json",
    } <= set(names)


def test_the_sdist_can_be_built_into_the_same_wheel(distributions: Path, tmp_path: Path) -> None:
    (sdist,) = distributions.glob("*.tar.gz")
    (wheel,) = distributions.glob("*.whl")
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    named = {name for name in re.findall(r"\]\(([\w./-]+)\)", (ROOT / "README.md").read_text()) if "//" not in name}
    assert {"README.md", "LICENSE", "pyproject.toml", "Makefile", "requirements/test.txt", *named} <= held
    run(UV, "build", "--offline", "--no-build-isolation", "--python", sys.executable, "--wheel", "--out-dir", tmp_path, "--quiet", sdist)
    (rebuilt,) = tmp_path.glob("*.whl")
    assert sorted(zipfile.ZipFile(rebuilt).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_records_under_the_launcher_in_an_empty_environment(
    distributions: Path, tmp_path: Path, run_python: PythonRunner, openai_server: FakeOpenAI, otlp_sink: OtlpSink
) -> None:
    (wheel,) = distributions.glob("*.whl")
    venv = tmp_path / "venv"
    python = venv / "bin" / "python"
    # Pinned and offline: set-up has put every package of this environment into uv's cache.
    run(UV, "venv", "--offline", "--quiet", "--python", sys.executable, venv)
    run(UV, "pip", "install", "--offline", "--quiet", "--python", python, "--require-hashes", "-r", ROOT / "requirements" / "test.txt")
    run(UV, "pip", "install", "--offline", "--quiet", "--python", python, "--no-deps", wheel)
    run_python(
        CALL,
        instrument=True,
        python=python,
        env={"OPENAI_BASE_URL": openai_server.base_url, "OPENAI_API_KEY": "key", "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url},
    )
    (span,) = otlp_sink.spans("embeddings text-embedding-3-small")
    assert span.scope_version == __version__
    assert f"agentops-opentelemetry {__version__}" in run(venv / "bin" / "agentops", "--version")


def test_the_editable_install_serves_both_roots(run_python: PythonRunner) -> None:
    script = "import agentops, agentops_instrumentors; print(agentops.__file__); print(agentops_instrumentors.__file__)"
    first, second = run_python(script).stdout.split()
    assert Path(first).is_relative_to(ROOT / "src")
    assert Path(second).is_relative_to(ROOT / "instrumentors")
