"""OTLP over HTTP to any receiver: where OTEL_EXPORTER_OTLP_* say, or as given."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from opentelemetry.util.re import parse_env_headers

from agentops.export.answers import Answers
from agentops.export.http import USER_AGENT, Answer, Connection, UnreachableError
from agentops.export.parcels import OtlpParcel
from agentops_instrumentors.core import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentops.export.outcomes import Outcome, Parcel

_PREFIX: Final = "OTEL_EXPORTER_OTLP_"
_DEFAULT_ENDPOINT: Final = "http://localhost:4318"
_DEFAULT_TIMEOUT: Final = 10.0
_CONTENT: Final = {"Content-Type": "application/x-protobuf"}
_COMPRESS: Final[dict[str, Callable[[bytes], bytes]]] = {"gzip": lambda body: gzip.compress(body, 5), "deflate": zlib.compress}


@dataclass(frozen=True, slots=True)
class Target:
    """One signal's endpoint. `timeout` is in seconds; `certificate` and `client` are files in PEM, `client` with its key's if apart."""

    signal: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    timeout: float = _DEFAULT_TIMEOUT
    compression: str = "none"
    certificate: str = ""
    client: str | tuple[str, str] | None = None

    @classmethod
    def from_environment(cls, signal: str) -> Target:
        """As OTEL_EXPORTER_OTLP_{SIGNAL}_* and OTEL_EXPORTER_OTLP_* say, the more special first."""

        def setting(name: str) -> str:
            return environment.text(f"{_PREFIX}{signal.upper()}_{name}") or environment.text(f"{_PREFIX}{name}")

        own = environment.text(f"{_PREFIX}{signal.upper()}_ENDPOINT")
        base = environment.text(f"{_PREFIX}ENDPOINT", _DEFAULT_ENDPOINT)
        certificate, key = setting("CLIENT_CERTIFICATE"), setting("CLIENT_KEY")
        return cls(
            signal,
            own or f"{base.removesuffix('/')}/v1/{signal}",
            dict(parse_env_headers(setting("HEADERS"), liberal=True)),
            _seconds(setting("TIMEOUT")),
            setting("COMPRESSION").lower() or "none",
            setting("CERTIFICATE"),
            (certificate, key) if certificate and key else certificate or None,
        )


class OtlpReceiver:
    """One signal of an OTLP receiver. `keeps` as in `Answers`. For one thread at a time."""

    def __init__(self, target: Target, check: str, keeps: bool = False) -> None:
        """`check` names what decides where it sends, for messages."""
        self.signal: Final = target.signal
        self.url: Final = target.url
        self.timeout: Final = target.timeout
        self._keeps = keeps
        self._compress = _COMPRESS.get(target.compression)
        encoding = {"Content-Encoding": target.compression} if self._compress is not None else {}
        self._headers: Final = {"User-Agent": USER_AGENT, **target.headers, **_CONTENT, **encoding}
        self._answers = Answers("The OTLP receiver", target.signal, check, keeps)
        self._connection = Connection(target.certificate or True, target.client)

    def prepare(self, seconds: float) -> None:
        """Nothing: there is no token to be had."""

    def send(self, parcel: Parcel, seconds: float) -> Outcome:
        """One attempt, in so many seconds."""
        assert isinstance(parcel, OtlpParcel)
        body = parcel.body("", "")
        try:
            answer: Answer = self._connection.post(self.url, self._compress(body) if self._compress else body, self._headers, "", seconds)
        except UnreachableError as error:
            if not error.final:
                return self._answers.later(f"{self.url}: {error}", None)
            return self._answers.refused(self.url, str(error)) if self._keeps else self._answers.lost(str(error), str(error), self.url)
        return self._answers.outcome(parcel, answer, self.url)


def _seconds(value: str) -> float:
    try:
        return float(value) if value else _DEFAULT_TIMEOUT
    except ValueError:
        return _DEFAULT_TIMEOUT
