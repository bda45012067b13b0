"""Which of Bedrock's operations another instrumentor counts, whichever was installed first: ours stands down for these alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from agentops_instrumentors.core import arbitration
from agentops_instrumentors.core.guard import warn_once

if TYPE_CHECKING:
    from collections.abc import Iterable

_METHOD: Final = "_make_api_call"
_MODELS: Final = frozenset({"Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream"})
_AGENTS: Final = frozenset({"InvokeAgent", "InvokeInlineAgent", "Retrieve", "RetrieveAndGenerate", "RetrieveAndGenerateStream"})
_COUNTED: Final = {
    # Its extension for aiobotocore knows no Bedrock.
    ("opentelemetry.instrumentation.botocore", "botocore.client"): _MODELS,
    ("opentelemetry.instrumentation.genai.bedrock", "botocore.client"): _MODELS | _AGENTS,
    ("opentelemetry.instrumentation.genai.bedrock", "aiobotocore.client"): _MODELS | _AGENTS,
}
"""What wrappers of `_make_api_call` count, by their module and the module of the wrapped class."""
_ON_CLIENTS: Final = ("opentelemetry.instrumentation.bedrock", "openinference.instrumentation.bedrock")
"""Instrumentors that replace the methods of each client they see made."""
_CAPITAL: Final = re.compile("(?<!^)(?=[A-Z])")

_seen: dict[type, tuple[object, bool, frozenset[str]]] = {}
"""By the class that holds the method: what was bound there, whether ours stands down at all, and for which operations."""


def counted(client: Any, operation: str) -> bool:
    """Whether another instrumentor counts this call of `client`; AGENTOPS_INSTRUMENTATION_CONFLICT=force or =off never looks."""
    owner = next(kind for kind in type(client).__mro__ if _METHOD in vars(kind))
    bound = vars(owner)[_METHOD]
    known = _seen.get(owner)
    if known is None or known[0] is not bound:
        looks = arbitration.standing_down()
        known = _seen[owner] = bound, looks, _of_wrappers(owner, bound) if looks else frozenset[str]()
    _, looks, operations = known
    return operation in operations or (looks and _on_client(client, operation))


def _of_wrappers(owner: type, bound: object) -> frozenset[str]:
    found: set[str] = set()
    for module in arbitration.wrapping_modules(bound):
        for (wrapping, wrapped), operations in _COUNTED.items():
            if wrapped == owner.__module__ and _within(module, (wrapping,)):
                found |= operations
                _say(module)
    return frozenset(found)


def _on_client(client: Any, operation: str) -> bool:
    # A client's own attributes are few, and none of them is a method unless somebody put it there.
    replaced = cast("dict[str, Any]", vars(client)).get(_CAPITAL.sub("_", operation).lower())
    module = next((module for module in arbitration.wrapping_modules(replaced) if _within(module, _ON_CLIENTS)), None)
    if module is None:
        return False
    _say(module)
    return True


def _within(module: str, packages: Iterable[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _say(module: str) -> None:
    message = "Bedrock is instrumented by %s too; ours stands down for what it counts, so that no call counts twice (%s=force records both)"
    warn_once(f"foreign:bedrock:{module}", message, module, arbitration.CONFLICT_VARIABLE)
