"""Which functions every recorded text passes through first, by setting and by entry point."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final, cast

from agentops_instrumentors.core import environment
from agentops_instrumentors.core.guard import swallowed

VARIABLE: Final = "AGENTOPS_REDACTOR"
GROUP: Final = "agentops_redactor"
FAILED: Final = "[redaction failed]"
"""In the place of a text that a redactor could not be applied to."""

Redactor = Callable[[str], str]


def chosen() -> tuple[str, ...]:
    """References of the redactors to apply, in order: `module:function`, or the name of an entry point.

    AGENTOPS_REDACTOR names them, `none` for none at all. While it is unset they are those that installed distributions bring along by
    entry points of the group `agentops_redactor`; ours is there to be named.
    """
    given = environment.text(VARIABLE)
    if given.lower() == "none":
        return ()
    if given:
        return tuple(part for part in (part.strip() for part in given.split(",")) if part)
    return _brought(tuple(sys.path))


@lru_cache(maxsize=1)
def _brought(_path: tuple[str, ...]) -> tuple[str, ...]:
    # Looking takes 10 ms in an environment of 150 distributions, and the policy is made again whenever a setting of it changes.
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP) if not entry.value.startswith("agentops.")}))


def load(reference: str) -> Redactor:
    """The redactor that `reference` names (see `chosen`). Raises what loading it raises; TypeError if it cannot be called."""
    if ":" in reference:
        module, _, name = reference.partition(":")
        loaded = getattr(import_module(module), name)
    else:
        found = list(entry_points(group=GROUP, name=reference))
        if not found:
            raise LookupError(f"no installed distribution has a redactor {reference!r}")
        loaded = found[0].load()
    if not callable(loaded):
        raise TypeError(f"{reference} cannot be called")
    return cast("Redactor", loaded)


class Chain:
    """Redactors one after the other. They load with the first text: settings are read before the program's own modules can be found."""

    def __init__(self, references: tuple[str, ...]) -> None:
        self._references = references
        self._loaded: list[Redactor] | None = None

    def __call__(self, text: str) -> str:
        if self._loaded is None:
            self._loaded = [_loaded_or_closed(reference) for reference in self._references]
        for redactor in self._loaded:
            text = str(redactor(text))
        return text


def _loaded_or_closed(reference: str) -> Redactor:
    try:
        return load(reference)
    except Exception as error:
        swallowed(f"{VARIABLE}={reference}", error)
    accepted = f"module:function, importable and callable, or an installed redactor ({GROUP})"
    environment.invalid(VARIABLE, reference, accepted, "nothing is recorded unredacted")
    # Failing open would publish what the user wanted hidden.
    return lambda _text: FAILED
