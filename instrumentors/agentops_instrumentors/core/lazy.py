"""Work that waits for a module's import."""

from __future__ import annotations

from typing import TYPE_CHECKING

import wrapt

from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def on_import(module: str, hook: Callable[[ModuleType], None]) -> None:
    """Run `hook` with `module` once it is imported, or now if it is; a failing hook never fails the import."""

    def guarded(loaded: ModuleType) -> None:
        try:
            hook(loaded)
        except Exception as error:
            swallowed(f"instrumenting {module}", error)

    wrapt.register_post_import_hook(guarded, module)
