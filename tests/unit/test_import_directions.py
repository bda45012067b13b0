"""Imports run one way: providers to the kernel, the kernel to the OpenTelemetry API; the distribution to the kernel alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SHARED: Final = ("botocore_answers", "core", "formats", "hosts", "stainless", "version")
"""What providers may share: the kernel, message formats, what is common to SDKs of one origin, and whose service a host is."""
API: Final = (
    "opentelemetry._logs",
    "opentelemetry.baggage",
    "opentelemetry.context",
    "opentelemetry.instrumentation",
    "opentelemetry.metrics",
    "opentelemetry.semconv",
    "opentelemetry.trace",
)
THIRD_PARTY: Final = {
    "core": {"genai_prices", "msgspec", "typing_extensions", "wrapt"},
    "provider": {"msgspec"},
    "checker": {"google.protobuf", "google.rpc", "msgspec", "opentelemetry.proto"},
}
NOT_AT_IMPORT: Final = {"genai_prices", "google.protobuf", "google.rpc", "opentelemetry.proto"}
HEAVY: Final = ("openai", "anthropic", "msgspec", "genai_prices", "opentelemetry.sdk", "pydantic", "httpx", "httpx2", "requests", "rich")


def files(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found
    return found


def imports(path: Path, at_import_only: bool = False) -> set[str]:
    """Dotted names a file imports anywhere, each with the module it names; with `at_import_only` what the import itself runs."""
    found: set[str] = set()
    todo: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif at_import_only and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        elif at_import_only and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            todo += node.orelse
            continue
        todo += ast.iter_child_nodes(node)
    return found


def under(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def foreign(names: set[str]) -> set[str]:
    """The names outside the standard library and `__future__`."""
    return {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}


def test_the_kernel_imports_the_api_alone() -> None:
    for path in files("instrumentors/agentops_instrumentors/core"):
        for name in foreign(imports(path)):
            allowed = under(name, "agentops_instrumentors.core", "agentops_instrumentors.version", *API, *THIRD_PARTY["core"])
            assert allowed, f"{path.relative_to(ROOT)} imports {name}"
        assert not {name for name in imports(path, at_import_only=True) if under(name, *NOT_AT_IMPORT)}, path


def providers() -> list[str]:
    folder = ROOT / "instrumentors" / "agentops_instrumentors"
    return [path.name for path in sorted(folder.iterdir()) if path.is_dir() and path.name not in SHARED and not path.name.startswith("_")]


@pytest.mark.parametrize("provider", providers())
def test_providers_import_the_kernel_and_themselves(provider: str) -> None:
    shared = [f"agentops_instrumentors.{name}" for name in SHARED]
    for path in files(f"instrumentors/agentops_instrumentors/{provider}"):
        for name in foreign(imports(path)):
            allowed = under(name, *shared, f"agentops_instrumentors.{provider}", *API, *THIRD_PARTY["provider"])
            assert allowed, f"{path.relative_to(ROOT)} imports {name}"


def test_what_providers_share_imports_the_kernel_alone() -> None:
    root = ROOT / "instrumentors" / "agentops_instrumentors"
    shared = [f"agentops_instrumentors.{name}" for name in SHARED]
    for path in [*root.glob("*.py"), *(root / "formats").glob("*.py")]:
        for name in foreign(imports(path)):
            assert under(name, *shared, *API, *THIRD_PARTY["provider"]), f"{path.relative_to(ROOT)} imports {name}"


def test_the_distribution_imports_the_kernel_and_no_provider() -> None:
    for path in files("src/agentops"):
        for name in imports(path):
            if under(name, "agentops_instrumentors"):
                assert under(name, "agentops_instrumentors.core", "agentops_instrumentors.version"), (
                    f"{path.relative_to(ROOT)} imports {name}"
                )
        assert not {name for name in imports(path, at_import_only=True) if under(name, "agentops_conformance")}, path


def test_the_checker_is_of_use_alone() -> None:
    for path in files("conformance/agentops_conformance"):
        for name in foreign(imports(path)):
            assert under(name, "agentops_conformance", *THIRD_PARTY["checker"]), f"{path.relative_to(ROOT)} imports {name}"
        assert not {name for name in imports(path, at_import_only=True) if under(name, *NOT_AT_IMPORT)}, path


def test_the_kernel_asks_for_providers_in_one_file() -> None:
    asking = {"get_tracer", "get_meter", "get_logger", "get_tracer_provider", "get_meter_provider", "get_logger_provider"}
    for path in files("instrumentors/agentops_instrumentors"):
        asked = {name for name in imports(path) if under(name, "opentelemetry") and name.rpartition(".")[2] in asking}
        assert not asked or path.name == "telemetry.py", path


@pytest.mark.parametrize(
    "script",
    [
        "import agentops",
        "import agentops_instrumentors.openai",
        "from agentops_instrumentors.openai import OpenAIInstrumentor\nOpenAIInstrumentor().instrument()",
        "import agentops, agentops_instrumentors.openai as o\no.OpenAIInstrumentor().instrument()\no.OpenAIInstrumentor().uninstrument()",
    ],
)
def test_importing_and_instrumenting_is_light(script: str) -> None:
    code = f"import sys\n{script}\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout.split(), done.stderr) == ([], "")
