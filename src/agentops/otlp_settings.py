"""OTEL_EXPORTER_OTLP_* values with which OpenTelemetry's exporters would not start, or fail at every export, each said once and left out.

Upstream raises from a constructor for some, which ends the whole set-up, and logs a traceback a batch for others.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from agentops_instrumentors.core import environment
from agentops_instrumentors.core.guard import warn_once

if TYPE_CHECKING:
    from collections.abc import Callable

_PREFIX: Final = "OTEL_EXPORTER_OTLP_"
_SIGNALS: Final = ("", "TRACES_", "METRICS_", "LOGS_")
_COMPRESSIONS: Final = ("none", "gzip", "deflate")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def repair(speaks_http: Callable[[str], bool]) -> None:
    """Take every value out of the environment that cannot be used. `speaks_http(signal)`: whether the exporter of a signal (traces,
    metrics, logs or empty for all) sends over HTTP, where an endpoint is a URL."""
    for signal in _SIGNALS:
        name = f"{_PREFIX}{signal}"
        if speaks_http(signal.rstrip("_").lower()):
            _check(f"{name}ENDPOINT", is_url, "an http:// or https:// URL with a host", "no receiver")
        _check(f"{name}TIMEOUT", _is_timeout, "a number of seconds above 0", "10")
        _check(f"{name}COMPRESSION", lambda value: value.lower() in _COMPRESSIONS, f"one of {', '.join(_COMPRESSIONS)}", "none")
        _check(f"{name}CERTIFICATE", _is_bundle, "a file with certificates in PEM", "the system's certificate authorities")
        for own in ("CLIENT_KEY", "CLIENT_CERTIFICATE"):
            _check(f"{name}{own}", os.path.isfile, "a file in PEM", "no client certificate")
        _check_headers(f"{name}HEADERS")


def is_url(value: str) -> bool:
    """Whether `value` is an HTTP URL that can be sent to."""
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _check(name: str, accepts: Callable[[str], bool], accepted: str, fallback: str) -> None:
    value = environment.text(name)
    if value and not accepts(value):
        environment.invalid(name, value, accepted, fallback)
        del os.environ[name]


def _check_headers(name: str) -> None:
    """Keep the headers that can be sent. The value is not shown: it holds keys."""
    pairs = [pair.strip() for pair in environment.text(name).split(",") if pair.strip()]
    kept = [pair for pair in pairs if _is_header(pair)]
    if len(kept) != len(pairs):
        warn_once(f"env:{name}", "%s: %d of %d headers are left out: expected name=value,…", name, len(pairs) - len(kept), len(pairs))
        os.environ[name] = ",".join(kept)


def _is_header(pair: str) -> bool:
    name, separator, value = pair.partition("=")
    decoded = unquote(value.strip())
    return bool(separator and _TOKEN.fullmatch(unquote(name).strip())) and decoded.isprintable() and _is_latin(decoded)


def _is_latin(value: str) -> bool:
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def _is_timeout(value: str) -> bool:
    try:
        return 0 < float(value) < float("inf")
    except ValueError:
        return False


def _is_bundle(path: str) -> bool:
    import ssl

    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ValueError):
        return False
    return True
