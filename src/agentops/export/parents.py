"""The place of a span in a session's tree at AgentOps whose parent, in another process, is not sent there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentops.config import settings
from agentops.export.selection import ALL
from agentops.sessions.ids import root_span_id, session_id_of
from agentops_instrumentors.core import semconv

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

_SERVER: Final = 2
_CONSUMER: Final = 5
_IS_REMOTE: Final = 0x200


def reattach(span: Span) -> None:
    """Make a server's span the child of the session's root, where its client's span is an HTTP span like any, which is left out.

    Only in the trace of a session, whose root has a span id that follows from the trace id.
    """
    if span.kind not in (_SERVER, _CONSUMER) or not span.flags & _IS_REMOTE or settings().export == ALL:
        return
    trace_id = int.from_bytes(span.trace_id, "big")
    said = next((pair.value.string_value for pair in span.attributes if pair.key == semconv.SESSION_ID), "")
    if said == session_id_of(trace_id):
        span.parent_span_id = root_span_id(trace_id).to_bytes(8, "big")
