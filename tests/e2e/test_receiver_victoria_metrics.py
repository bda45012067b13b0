"""VictoriaMetrics, as Debian packages it: the metrics of a program, asked for in its query language."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.e2e.receivers import CREW, answers, asked, eventually, free_port, record, running

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.e2e

PACKAGE = "victoria-metrics"
SUITE = "trixie"
KEPT = Path(__file__).parents[2] / ".venvs" / PACKAGE
KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def program() -> Path:
    """The program out of Debian's package, unpacked beside the other environments and kept there."""
    found = KEPT / "usr" / "bin" / PACKAGE
    if not found.exists():
        if not all(map(shutil.which, ("apt-get", "dpkg"))):
            pytest.fail(f"{PACKAGE} is a package of Debian {SUITE}; this machine has no apt-get and dpkg to get it with")
        KEPT.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT.parent) as folder:
            called("dpkg", "-x", downloaded(Path(folder)), "unpacked", folder=Path(folder))
            Path(folder, "unpacked").rename(KEPT)
    return found


def downloaded(folder: Path) -> Path:
    """The package, from the archive this machine takes its own packages from, by an index of its own: nothing is installed."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    archives = called("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", folder=folder).split()
    archive = next((uri for uri in archives if uri.rstrip("/").endswith("/debian")), None)
    if archive is None:
        pytest.fail(f"{PACKAGE} is a package of Debian {SUITE}; apt-get knows no archive of Debian's here: {archives}")
    (folder / "sources.list").write_text(f"deb [signed-by={KEYS}] {archive} {SUITE} main\n", encoding="utf-8")
    own = {"Dir::State": folder / "state", "Dir::Cache": folder / "cache", "Dir::Etc::sourcelist": folder / "sources.list"}
    options = [f"-o{name}={value}" for name, value in {**own, "Dir::Etc::sourceparts": "-", "APT::Sandbox::User": ""}.items()]
    called("apt-get", *options, "update", folder=folder)
    called("apt-get", *options, "download", PACKAGE, folder=folder)
    (package,) = folder.glob("*.deb")
    return package


def called(*command: object, folder: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}")
    return done.stdout


@pytest.fixture(scope="module")
def victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its base URL."""
    folder, port = tmp_path_factory.mktemp("victoria"), free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        program(),
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={folder}/data",
        "-opentelemetry.usePrometheusNaming",
        "-search.latencyOffset=0s",
    ]
    with running(command, folder, lambda: answers(f"{url}/health")):
        yield url


def values(victoria: str, query: str, by: str) -> dict[str, float]:
    """What a query finds, by one label."""
    answers(f"{victoria}/internal/force_flush")
    found = asked(f"{victoria}/api/v1/query?query={quote(query)}")["data"]["result"]
    return {each["metric"].get(by, ""): float(each["value"][1]) for each in found}


def test_metrics_arrive_and_can_be_asked_for(victoria: str, tmp_path: Path) -> None:
    bill = record(tmp_path, CREW, {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{victoria}/opentelemetry/v1/metrics"})
    tokens = "sum by (gen_ai_token_type) (gen_ai_client_token_usage_sum)"
    assert eventually(lambda: values(victoria, tokens, "gen_ai_token_type")) == {"input": bill.input_tokens, "output": bill.output_tokens}
    durations = "sum by (gen_ai_request_model) (gen_ai_client_operation_duration_seconds_count)"
    assert values(victoria, durations, "gen_ai_request_model") == {"gpt-4o-mini": 2, "claude-haiku-4-5": 2, "error-404": 1}
    failed = "gen_ai_client_operation_duration_seconds_count{error_type!=''}"
    assert values(victoria, failed, "error_type") == {"openai.NotFoundError": 1}
    buckets = 'gen_ai_client_operation_duration_seconds_bucket{gen_ai_request_model="gpt-4o-mini",le="+Inf"}'
    assert values(victoria, buckets, "gen_ai_provider_name") == {"openai": 2}
    assert values(victoria, "agentops_heartbeat_seconds", "service_name").keys() == {"receiver_crew"}
