"""Broken set-ups for the doctor: environments, folders on the import path, receivers."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.e2e.combinations import KEY, listed_first, loader_folder
from tests.fakes.http import HttpServer, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Answering(HttpServer):
    """Answers every request with one status; of POSTs of a token, with another."""

    def __init__(self, status: int, token_status: int = 404) -> None:
        super().__init__()
        self._status = status
        self._token_status = token_status

    def respond(self, request: Request) -> Reply:
        if request.path == "/v3/auth/token":
            return Reply.json({"token": "t.t.t", "project_id": "p"} if self._token_status == 200 else {"error": "no"}, self._token_status)
        return Reply(status=self._status)


@dataclass(frozen=True)
class Setup:
    """One set-up. In a value `{up}` stands for a receiver, `{closed}` for one that answers 401, `{elsewhere}` for one that answers 404,
    `{stranger}` for an AgentOps that knows no key, `{down}` for none, and `{folder}` for the folder on the import path.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    sitecustomize: bool = False
    sdks: bool = False
    install: Callable[[Path], object] | None = None
    """Puts things into a folder that is the first on the import path."""
    launched: bool = True
    """By `opentelemetry-instrument`; else as a program that calls `agentops.init()`."""
    often: bool = True
    """In every run of the suite; else in that of the slow tests."""


def distribution(folder: Path, name: str, version: str, entry_points: str = "", requires: str = "") -> Path:
    """Metadata of a distribution in `folder`."""
    metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(entry_points, encoding="utf-8")
    return folder


_OTHERS = """
import wrapt
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor


def recording(wrapped, instance, args, kwargs):
    return wrapped(*args, **kwargs)


class Instrumentor(BaseInstrumentor):
    def instrumentation_dependencies(self):
        return ("openai",)

    def _instrument(self, **kwargs):
        wrapt.wrap_function_wrapper("openai.resources.chat.completions.completions", "Completions.create", recording)

    def _uninstrument(self, **kwargs):
        pass
"""


def other_instrumentors(folder: Path) -> None:
    """Two other instrumentors of openai, as OpenInference and OpenLLMetry name theirs."""
    for package, name in (
        ("openinference.instrumentation.openai", "openinference"),
        ("opentelemetry.instrumentation.openai", "openllmetry"),
    ):
        place = folder.joinpath(*package.split("."))
        place.mkdir(parents=True)
        (place / "__init__.py").write_text(_OTHERS, encoding="utf-8")
        distribution(folder, f"{name}-openai", "1.0", f"[opentelemetry_instrumentor]\nopenai_{name} = {package}:Instrumentor\n")


def old_sdk(folder: Path) -> None:
    """An openai that is too old."""
    distribution(folder, "openai", "1.0.0")


def changed_sdk(folder: Path) -> None:
    """An ollama whose client has lost a method."""
    installed = Path(str(__import__("ollama").__file__)).parent
    shutil.copytree(installed, folder / "ollama")
    client = folder / "ollama" / "_client.py"
    text = client.read_text(encoding="utf-8")
    client.write_text(text.replace("def _request(", "def _ask(").replace("self._request(", "self._ask("), encoding="utf-8")
    distribution(folder, "ollama", "0.6.9")


def failing_hook(folder: Path) -> None:
    """Another distribution's hook that fails: the loader stops there."""
    (folder / "their_hook.py").write_text("def hook():\n    raise ValueError('no licence')\n", encoding="utf-8")
    distribution(folder, "theirs", "1.0", "[opentelemetry_pre_instrument]\ntheirs = their_hook:hook\n")


def a_file(folder: Path) -> None:
    """A file where a folder should be."""
    (folder / "file").write_text("", encoding="utf-8")


def upstream_first(folder: Path) -> None:
    listed_first("opentelemetry-distro", folder)


OTLP = "OTEL_EXPORTER_OTLP_ENDPOINT"
SETUPS: Mapping[str, Setup] = {
    "healthy": Setup({OTLP: "{up}"}),
    "sitecustomize alone, upstream's distro first": Setup(sitecustomize=True, install=upstream_first),
    "a distro that is not installed": Setup({"OTEL_PYTHON_DISTRO": "agentop"}),
    "an exporter that is not installed": Setup({"OTEL_TRACES_EXPORTER": "zipkinn,otlp", OTLP: "{up}"}),
    "a protocol that is not installed": Setup({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", OTLP: "{up}"}, launched=False, often=False),
    "no receiver": Setup({OTLP: "{down}"}, launched=False),
    "a path too much": Setup({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{elsewhere}/v1"}, launched=False, often=False),
    "no scheme": Setup({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "localhost:4318/v1/traces"}, launched=False, often=False),
    "no credentials": Setup({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{closed}/v1/traces"}, launched=False),
    "a key that nobody knows": Setup({"AGENTOPS_API_KEY": KEY, "AGENTOPS_API_ENDPOINT": "{stranger}"}, launched=False),
    "half a key": Setup({"AGENTOPS_API_KEY": "1234-5678", "AGENTOPS_API_ENDPOINT": "{stranger}"}, launched=False, often=False),
    "two other instrumentors": Setup(install=other_instrumentors, sdks=True),
    "an SDK that is too old": Setup(install=old_sdk, launched=False),
    "an SDK that lost a method": Setup(install=changed_sdk, sdks=True, launched=False, often=False),
    "another's failing hook": Setup(install=failing_hook),
    "disabled": Setup({"OTEL_SDK_DISABLED": "true"}, often=False),
    "no redactor": Setup({"AGENTOPS_REDACTOR": "no_such_module:hide"}, launched=False),
    "a misspelt mode and variable": Setup(
        {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true", "AGENTOPS_REDACTER": "secrets"}, launched=False
    ),
    "no folder": Setup({"AGENTOPS_LOCAL_DIR": "{folder}/file/store"}, install=a_file, launched=False, often=False),
    "no such file": Setup({"OTEL_CONFIG_FILE": "{folder}/missing.yaml"}, launched=False, often=False),
}


def environment(setup: Setup, places: Mapping[str, Any]) -> dict[str, str]:
    """Its variables."""
    return {name: value.format(**places) for name, value in setup.env.items()}


def import_path(setup: Setup, folder: Path) -> list[Path]:
    """Its folders on the import path."""
    if setup.install is not None:
        folder.mkdir(parents=True, exist_ok=True)
        setup.install(folder)
    return [*([loader_folder()] if setup.sitecustomize else []), *([folder] if setup.install else [])]
