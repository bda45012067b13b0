"""Work that waits for a module's import."""

from __future__ import annotations

import sys
from threading import RLock
from typing import TYPE_CHECKING, Final

from agentops_instrumentors.core.guard import guarded, swallowed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    Hook = Callable[[ModuleType], None]


def on_import(module: str, hook: Hook) -> None:
    """Run `hook` with `module` once it is imported, or now if it is; a failing hook never fails the import."""

    def guarded_hook(loaded: ModuleType) -> None:
        try:
            hook(loaded)
        except Exception as error:
            swallowed(f"instrumenting {module}", error)

    if not _awaited.takes(module, guarded_hook):
        _watch(module, [guarded_hook])


def _watch(module: str, hooks: Sequence[Hook]) -> None:
    import wrapt

    for hook in hooks:
        wrapt.register_post_import_hook(hook, module)


class _Awaited:
    """A finder that finds nothing itself: it hands a module's hooks to wrapt when somebody first looks for the module.

    Importing wrapt takes 16 ms, most of them for asyncio. A program pays them with its vendor's SDK, which needs asyncio itself, instead
    of at its start.
    """

    def __init__(self) -> None:
        self._hooks: dict[str, list[Hook]] = {}
        self._lock = RLock()

    def takes(self, module: str, hook: Hook) -> bool:
        """Keep a hook until its module is looked for; False where that gains nothing, because wrapt is there or is needed at once."""
        with self._lock:
            if "wrapt" in sys.modules or module in sys.modules:
                return False
            if self not in sys.meta_path:
                sys.meta_path.insert(0, self)
            self._hooks.setdefault(module, []).append(hook)
            return True

    def find_spec(self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None, /) -> ModuleSpec | None:
        if name not in self._hooks:
            return None
        with self._lock:
            hooks = self._hooks.get(name)
            if hooks:
                # The name stays meanwhile: another thread that looks for the module waits until wrapt watches for it.
                self._hooks[name] = []
                guarded(f"watching for {name}", _watch, name, hooks)
            self._hooks.pop(name, None)
        from importlib.util import find_spec

        # wrapt's finder may stand before this one by now, where the search that is under way does not ask any more.
        return find_spec(name)


_awaited: Final = _Awaited()
