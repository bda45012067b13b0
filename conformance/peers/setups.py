"""What a user of each peer writes, by its documentation, to record one client, content included. Run in the peer's process alone."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Final

from conformance.scenarios import GROUP, PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

_CLASSES: Final = {"openai": "OpenAIInstrumentor", "anthropic": "AnthropicInstrumentor"}
# OpenLIT instruments whatever it finds; what it says of HTTP is not what is compared.
_OF_HTTP: Final = ["asgi", "httpx", "requests", "urllib", "urllib3", "aiohttp-client"]


def instrument(peer: str, client: str) -> None:
    """Instrument a client (`openai`, `anthropic`) with the global providers."""
    _SETUPS[peer](client)


def _ours(client: str) -> None:
    for point in entry_points(group=GROUP, name=f"{PREFIX}{client}"):
        point.load()().instrument()


def _instrumentor(package: str) -> Callable[[str], None]:
    def setup(client: str) -> None:
        module: Any = import_module(f"{package}.{client}")
        getattr(module, _CLASSES[client])().instrument()

    return setup


def _openlit(client: str) -> None:
    # From an empty file, because it fetches its prices from the network.
    prices = Path(mkdtemp(), "prices.json")
    prices.write_text("{}", encoding="utf-8")
    openlit: Any = import_module("openlit")
    openlit.init(pricing_json=str(prices), disable_batch=True, disabled_instrumentors=_OF_HTTP)


def _logfire(client: str) -> None:
    # It makes the SDK's providers itself, and sends where OTEL_EXPORTER_OTLP_ENDPOINT says.
    logfire: Any = import_module("logfire")
    logfire.configure(send_to_logfire=False, console=False, service_name="conformance")
    getattr(logfire, f"instrument_{client}")(version="latest")


_SETUPS: Final[dict[str, Callable[[str], None]]] = {
    "ours": _ours,
    "official": _instrumentor("opentelemetry.instrumentation.genai"),
    "openllmetry": _instrumentor("opentelemetry.instrumentation"),
    "openinference": _instrumentor("openinference.instrumentation"),
    "openlit": _openlit,
    "logfire": _logfire,
}
