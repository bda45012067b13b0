"""Identifiers of sessions: the trace id as a UUID, and a root span id that anyone who knows the trace id can derive."""

from __future__ import annotations

import threading
from hashlib import blake2b
from typing import Final, Protocol

_PERSON: Final = b"agentops.session"


class IdSource(Protocol):
    """What a tracer asks for identifiers; the shape of the SDK's `IdGenerator`."""

    def generate_trace_id(self) -> int: ...
    def generate_span_id(self) -> int: ...
    def is_trace_id_random(self) -> bool: ...


def session_id_of(trace_id: int) -> str:
    """The session's id: the 128-bit trace id written as a UUID."""
    digits = f"{trace_id:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def root_span_id(trace_id: int) -> int:
    """The span id of the root of the session with this trace id: never zero, the same in every process and release.

    BLAKE2b with an 8-byte digest and the personalisation `agentops.session`, over the 16 big-endian bytes of the trace id.
    """
    return int.from_bytes(blake2b(trace_id.to_bytes(16, "big"), digest_size=8, person=_PERSON).digest(), "big") or 1


class SessionIds:
    """The provider's identifiers, except that a reserved trace id is used next and its root's span id derived from it.

    A tracer asks for both identifiers of a span in one call on one thread, so what is reserved is kept per thread.
    """

    def __init__(self, source: IdSource) -> None:
        self._source = source
        self._reserved = threading.local()

    def reserve(self, trace_id: int = 0) -> int:
        """Have the root span that this thread starts next use `trace_id`, or one drawn from the provider's own source."""
        trace_id = trace_id or self._source.generate_trace_id()
        self._reserved.trace_id = trace_id
        return trace_id

    def release(self) -> None:
        """Forget what this thread reserved."""
        self._reserved.trace_id = 0

    def generate_trace_id(self) -> int:
        """The trace id this thread reserved, or one from the provider's source."""
        return getattr(self._reserved, "trace_id", 0) or self._source.generate_trace_id()

    def generate_span_id(self) -> int:
        """The root's derived span id while this thread has a trace id reserved, else one from the provider's source."""
        trace_id: int = getattr(self._reserved, "trace_id", 0)
        return root_span_id(trace_id) if trace_id else self._source.generate_span_id()

    def is_trace_id_random(self) -> bool:
        """Whether the provider's source promises random trace ids; older SDKs do not say, which means no."""
        declared = getattr(self._source, "is_trace_id_random", None)
        return bool(declared()) if declared is not None else False
