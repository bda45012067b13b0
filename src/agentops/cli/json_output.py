"""`--json`: documents with stable keys. New keys may be added; none is renamed or removed within a major version.

`agentops sessions --json`: {"sessions": [session], "more": bool, "skipped_lines": int}.
`agentops show --json`: one session with "spans": [span], ordered by start.

session: session_id (UUID), trace_id (32 hex digits), name, state ("Success", "Fail" or "Indeterminate"), reason (of the end
    state, may be empty), running (bool), start and end (ISO 8601 in UTC; end is null while running), duration_seconds (null
    while running), llm_calls, input_tokens (cached ones included), output_tokens, cached_tokens, cost (object: amount by
    currency, empty where unknown), errors, tags (list of strings), pid, last_heartbeat (ISO 8601
    in UTC, of a process that vanished before it ended the session; else null).
span: span_id, parent_id (empty for a root), name, kind ("internal", "server", "client", "producer", "consumer" or
    "unspecified"), scope, start, end, duration_seconds, status ("unset", "ok" or "error"), status_message, reconstructed (true
    for the root of a session that never ended), attributes (object; those with content only with --content), events (list of
    objects with name, time and attributes), logs (only with --content: list of objects with time, severity, logger, body and
    attributes). Bytes are in base64; a number that JSON lacks (NaN) is null.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import msgspec

from agentops.cli.text import iso_time
from agentops.store.reader import CONTENT_ATTRIBUTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentops.store.otlp import StoredRecord, StoredSpan
    from agentops.store.reader import StoreContents
    from agentops.store.sessions import StoredSession

_KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES: Final = ("unset", "ok", "error")
_NANO: Final = 1e9


def sessions_document(contents: StoreContents) -> str:
    """The document of `agentops sessions --json`."""
    sessions = [_session(session) for session in contents.sessions]
    return _dump({"sessions": sessions, "more": contents.more, "skipped_lines": contents.skipped_lines})


def session_document(session: StoredSession, content: bool) -> str:
    """The document of `agentops show --json`."""
    logs: defaultdict[str, list[StoredRecord]] = defaultdict(list)
    for record in session.logs if content else ():
        logs[record.span_id].append(record)
    return _dump({**_session(session), "spans": [_span(span, content, logs[span.span_id]) for span in session.spans]})


def _dump(document: dict[str, object]) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def _session(session: StoredSession) -> dict[str, object]:
    return {
        "session_id": session.session_id,
        "trace_id": session.trace_id,
        "name": session.name,
        "state": session.state,
        "reason": session.reason,
        "running": session.running,
        "start": iso_time(session.start),
        "end": None if session.end is None else iso_time(session.end),
        "duration_seconds": session.duration,
        "llm_calls": session.llm_calls,
        "input_tokens": session.input_tokens,
        "output_tokens": session.output_tokens,
        "cached_tokens": session.cached_tokens,
        "cost": dict(session.costs),
        "errors": session.errors,
        "tags": list(session.tags),
        "pid": session.pid,
        "last_heartbeat": None if session.last_heartbeat is None else iso_time(session.last_heartbeat),
    }


def _log(record: StoredRecord) -> dict[str, object]:
    return {
        "time": iso_time(record.time),
        "severity": record.severity,
        "logger": record.scope,
        "body": record.body,
        "attributes": record.attributes,
    }


def _span(span: StoredSpan, content: bool, logs: Sequence[StoredRecord]) -> dict[str, object]:
    return {
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "name": span.name,
        "kind": _KINDS[span.kind] if 0 <= span.kind < len(_KINDS) else _KINDS[0],
        "scope": span.scope,
        "start": iso_time(span.start),
        "end": iso_time(span.end),
        "duration_seconds": (span.end - span.start) / _NANO,
        "status": _STATUSES[span.status_code] if 0 <= span.status_code < len(_STATUSES) else _STATUSES[0],
        "status_message": span.status_message,
        "reconstructed": span.reconstructed,
        "attributes": {key: value for key, value in span.attributes.items() if content or key not in CONTENT_ATTRIBUTES},
        "logs": [_log(record) for record in logs],
        "events": [{"name": event.name, "time": iso_time(event.time), "attributes": event.attributes} for event in span.events],
    }
