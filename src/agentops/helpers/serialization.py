"""Values as JSON text, whatever they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

_METHODS = ("model_dump", "dict", "to_json", "isoformat")
"""Methods of values that know a plainer form of themselves."""


class AgentOpsJSONEncoder(json.JSONEncoder):
    """Encodes what `json` does not, by its plainer form or else as text."""

    def default(self, o: Any) -> Any:
        """A value that `json` can encode in place of `o`."""
        if isinstance(o, Enum):
            return o.value
        if isinstance(o, (set, frozenset)):
            return list(cast("Iterable[object]", o))
        for name in _METHODS:
            method = cast("Callable[[], object] | None", getattr(o, name, None))
            if callable(method):
                try:
                    return method()
                except Exception:
                    continue
        return str(o)


def safe_serialize(obj: object) -> str:
    """JSON text of `obj`; text stays as it is. Never raises."""
    if isinstance(obj, str):
        return obj
    try:
        return json.dumps(obj, cls=AgentOpsJSONEncoder, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return str(obj)


def is_jsonable(x: object) -> bool:
    """Whether `json` encodes it as it stands."""
    try:
        json.dumps(x)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def filter_unjsonable(d: object) -> Any:
    """A copy with each value in it that `json` does not encode as text."""
    if isinstance(d, Mapping):
        return {str(key): filter_unjsonable(value) for key, value in cast("Mapping[object, object]", d).items()}
    if isinstance(d, (list, tuple)):
        return [filter_unjsonable(value) for value in cast("Iterable[object]", d)]
    return d if is_jsonable(d) else str(d)


def serialize_uuid(obj: UUID) -> str:
    """Its text."""
    return str(obj)
