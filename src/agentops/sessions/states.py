"""How a session ends: three states, and the many spellings users know for them."""

from __future__ import annotations

from enum import Enum
from typing import Final

from opentelemetry.trace import StatusCode

from agentops_instrumentors.core.guard import warn_once


class TraceState(Enum):
    """End states in the spelling of the OpenTelemetry status codes."""

    SUCCESS = StatusCode.OK
    ERROR = StatusCode.ERROR
    UNSET = StatusCode.UNSET

    def __str__(self) -> str:
        return self.name

    def to_status_code(self) -> StatusCode:
        """The OpenTelemetry status code of this state."""
        return self.value


SUCCESS: Final = TraceState.SUCCESS
ERROR: Final = TraceState.ERROR
UNSET: Final = TraceState.UNSET


class EndState(str, Enum):
    """The value of `agentops.session.end_state`."""

    SUCCESS = "Success"
    FAIL = "Fail"
    INDETERMINATE = "Indeterminate"


_SPELLINGS: Final = {
    "success": EndState.SUCCESS,
    "succeeded": EndState.SUCCESS,
    "ok": EndState.SUCCESS,
    "fail": EndState.FAIL,
    "failed": EndState.FAIL,
    "failure": EndState.FAIL,
    "error": EndState.FAIL,
    "indeterminate": EndState.INDETERMINATE,
    "unset": EndState.INDETERMINATE,
}

_ENUMERATIONS: Final = frozenset({"StatusCode", "TraceState", "EndState"})


def normalise(state: object, reason: str | None = None) -> tuple[EndState, str | None]:
    """The end state that `state` means, and the reason to keep.

    `state` is Success, Fail, Failure, Error or Indeterminate in any case, a `StatusCode`, a `TraceState` or another
    enumeration with these names or values; None is Indeterminate. Anything else is Indeterminate with its text as the
    reason (before a given `reason`), said once per text.
    """
    if state is None:
        return EndState.INDETERMINATE, reason
    for text in _texts(state):
        found = _SPELLINGS.get(text.strip().lower())
        if found is not None:
            return found, reason
    text = str(state).strip()
    warn_once(
        f"end_state:{text}",
        "end_state=%r is not accepted: expected Success, Fail, Failure, Error or Indeterminate; it is recorded as the reason",
        text,
    )
    return EndState.INDETERMINATE, f"{text}: {reason}" if reason else text


def _texts(state: object) -> tuple[str, ...]:
    if isinstance(state, Enum):
        value: object = state.value
        return (value, state.name) if isinstance(value, str) else (state.name,)
    text = str(state)
    prefix, _, name = text.rpartition(".")
    return (name if prefix in _ENUMERATIONS else text,)
