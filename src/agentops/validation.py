"""Whether a trace arrived: asked of AgentOps' read interface, or of the local store where nothing goes to AgentOps."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import get_current_span

from agentops.config import settings
from agentops.destinations import TRACES, route
from agentops.exceptions import ApiServerException, InvalidApiKeyException, ValidationError
from agentops.lifetime import flush
from agentops.parameters import checked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentops.sessions.session import Session

__all__ = [
    "ValidationError",
    "check_llm_spans",
    "get_jwt_token",
    "get_jwt_token_sync",
    "get_trace_details",
    "get_trace_metrics",
    "print_validation_summary",
    "validate_trace_spans",
]

Values = dict[str, Any]

_TIMEOUT: Final = 10.0
_LLM_NAMES: Final = ("chat ", "text_completion ", "generate_content ", "embeddings ")


@checked
def validate_trace_spans(
    trace_id: str | None = None,
    trace_context: Session | None = None,
    max_retries: int = 10,
    retry_delay: float = 1.0,
    check_llm: bool = True,
    min_spans: int = 1,
    api_key: str | None = None,
) -> Values:
    """Wait until the trace holds `min_spans` spans and, with `check_llm`, an LLM call.

    Returns `trace_id`, `span_count`, `spans`, `has_llm_spans`, `llm_span_names`, `metrics` and `source` (`agentops` or
    `local`); where spans go only to receivers that cannot be asked, also `validation_skipped` and `reason`. The trace is the
    one given, else the current span's. `retry_delay` is in seconds. Raises ValueError without a trace, ValidationError where
    something is still missing at the end, InvalidApiKeyException for a refused key.
    """
    wanted = _trace_id(trace_id, trace_context)
    key = api_key or settings().api_key
    found: Values = {}
    flush()
    if not key and not route(TRACES).local:
        skipped = {"validation_skipped": True, "reason": "spans go neither to AgentOps nor to the local store"}
        return _result(wanted, [], False, [], {}, "none") | skipped
    for attempt in range(max(1, max_retries)):
        if attempt:
            time.sleep(retry_delay)
        found = _from_agentops(wanted, key) if key else _from_store(wanted)
        if found["span_count"] >= min_spans and (found["has_llm_spans"] or not check_llm):
            return found
    if found["span_count"] < min_spans:
        raise ValidationError(f"Trace {wanted} has {found['span_count']} spans, expected at least {min_spans} ({found['source']})")
    raise ValidationError(f"Trace {wanted} has no LLM spans among its {found['span_count']} spans ({found['source']})")


def print_validation_summary(result: Mapping[str, Any]) -> None:
    """Print what `validate_trace_spans` returned."""
    metrics: Mapping[str, Any] = result.get("metrics") or {}
    print(f"Trace {result.get('trace_id')}: {result.get('span_count', 0)} spans ({result.get('source', 'unknown source')})")
    names: Sequence[str] = result.get("llm_span_names") or ()
    if result.get("has_llm_spans"):
        print(f"LLM calls: {', '.join(names) if names else 'yes'}")
    else:
        print("LLM calls: none")
    if metrics:
        print(f"Tokens: {metrics.get('total_tokens', 0)}, cost: {metrics.get('total_cost', 'unknown')}")


def get_jwt_token(api_key: str | None = None) -> str:
    """A token for the read interface. Raises InvalidApiKeyException or ApiServerException."""
    key = api_key or settings().api_key
    try:
        answer = _ask("/public/v1/auth/access_token", body={"api_key": key})
    except HTTPError as error:
        if error.code in (400, 401, 403, 404):
            raise InvalidApiKeyException(f"The API key was refused: HTTP {error.code}") from error
        raise ApiServerException(f"HTTP {error.code} for a token") from error
    token = answer.get("bearer")
    if not isinstance(token, str):
        raise ApiServerException("The answer holds no token")
    return token


get_jwt_token_sync = get_jwt_token


def get_trace_details(trace_id: str, jwt_token: str) -> Values:
    """The trace and its spans; without spans where the backend does not know it (yet)."""
    return _read(f"/public/v1/traces/{trace_id}", jwt_token)


def get_trace_metrics(trace_id: str, jwt_token: str) -> Values:
    """Counts, tokens and costs of the trace; empty where the backend does not know it (yet)."""
    return _read(f"/public/v1/traces/{trace_id}/metrics", jwt_token)


def check_llm_spans(spans: Sequence[Mapping[str, Any]]) -> tuple[bool, list[str]]:
    """Whether some of `spans` are LLM calls, and their names: by attributes where there are any, else by name."""
    names = [str(span.get("span_name", "")) for span in spans if _is_llm(span)]
    return bool(names), names


def _is_llm(span: Mapping[str, Any]) -> bool:
    attributes: Mapping[str, Any] = span.get("span_attributes") or span.get("attributes") or {}
    if any(name in attributes for name in ("gen_ai.request.model", "gen_ai.usage.prompt_tokens", "gen_ai.usage.input_tokens")):
        return True
    return str(span.get("span_name", "")).startswith(_LLM_NAMES)


def _trace_id(trace_id: str | None, session: Session | None) -> str:
    if trace_id is None and session is not None:
        trace_id = session.trace_id
    if trace_id is None:
        current = get_current_span().get_span_context()
        trace_id = f"{current.trace_id:032x}" if current.is_valid else None
    if trace_id is None:
        raise ValueError("There is no trace to validate: give trace_id or trace_context, or call this inside a trace")
    return str(trace_id).replace("-", "").lower()


def _from_agentops(trace_id: str, key: str) -> Values:
    token = get_jwt_token(key)
    spans: list[Values] = get_trace_details(trace_id, token).get("spans") or []
    metrics = get_trace_metrics(trace_id, token)
    has_llm, names = check_llm_spans(spans)
    return _result(trace_id, spans, has_llm or bool(metrics.get("total_tokens")), names, metrics, "agentops")


def _from_store(trace_id: str) -> Values:
    from agentops.store.paths import data_folder
    from agentops.store.reader import UnknownSessionError, find_session
    from agentops.store.sessions import counted_calls

    try:
        session = find_session(data_folder(), trace_id)
    except UnknownSessionError:
        return _result(trace_id, [], False, [], {}, "local")
    calls = counted_calls(session.spans)
    spans: list[Values] = [
        {"span_id": span.span_id, "parent_span_id": span.parent_id, "span_name": span.name, "span_attributes": dict(span.attributes)}
        for span in session.spans
    ]
    metrics: Values = {
        "span_count": len(spans),
        "fail_count": session.errors,
        "prompt_tokens": session.input_tokens,
        "completion_tokens": session.output_tokens,
        "total_tokens": session.input_tokens + session.output_tokens,
        "total_cost": " + ".join(f"{amount:.7f} {currency}" for currency, amount in session.costs.items()) or "0.0000000",
    }
    return _result(trace_id, spans, bool(calls), [call.name for call in calls], metrics, "local")


def _result(trace_id: str, spans: list[Values], has_llm: bool, names: list[str], metrics: Values, source: str) -> Values:
    return {
        "trace_id": trace_id,
        "span_count": len(spans),
        "spans": spans,
        "has_llm_spans": has_llm,
        "llm_span_names": names,
        "metrics": metrics,
        "source": source,
    }


def _read(path: str, token: str) -> Values:
    try:
        return _ask(path, {"Authorization": f"Bearer {token}"})
    except HTTPError as error:
        if error.code == 404:
            return {}
        raise ApiServerException(f"HTTP {error.code} for {path}") from error


def _ask(path: str, headers: Mapping[str, str] | None = None, body: object = None) -> Values:
    data = None if body is None else json.dumps(body).encode()
    request = Request(settings().endpoint + path, data, {"Content-Type": "application/json", **(headers or {})})
    try:
        with suppress_instrumentation(), urlopen(request, timeout=_TIMEOUT) as answer:
            return cast("Values", json.loads(answer.read()))
    except HTTPError:
        raise
    except (URLError, OSError, ValueError) as error:
        raise ApiServerException(f"{settings().endpoint} did not answer: {error}") from error
