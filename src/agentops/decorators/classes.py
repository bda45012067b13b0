"""A decorated class: the same class, with a span for each call of its public methods.

Nothing is current but while a method runs, and no span's life depends on the instance's.
"""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, TypeGuard
from weakref import WeakKeyDictionary

from agentops.decorators.functions import observe
from agentops.decorators.options import Options, define
from agentops_instrumentors.core.guard import swallowed, warn_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentops.spans.definition import Begin, Kind

_observed: Final[WeakKeyDictionary[Callable[..., Any], FunctionType]] = WeakKeyDictionary()
"""Methods made here, with the method each stands for."""
_HOOKS: Final = frozenset({"model_post_init"})
"""Public names by which a framework calls into its instances, while it constructs them say."""
_follows: Final[WeakKeyDictionary[object, bool]] = WeakKeyDictionary()
"""The `__init_subclass__` functions made here."""


def observe_class(cls: type, kind: Kind, begin: Begin, options: Options) -> None:
    """Have each call of a public method, or of the instance itself, recorded, unless it comes from a method already recorded
    of the same object.

    Counted are the methods that the class itself defines, and those that its subclasses define; what a base class brings
    (a framework's, say) is not, nor are static methods, class methods and properties.
    """
    try:
        if not _observe_own(cls, kind, begin, options):
            warn_once(f"class:{cls.__qualname__}", "%s defines no public method: nothing of it is recorded", cls.__qualname__)
        _follow_subclasses(cls, kind, begin, options)
    except Exception as error:
        swallowed(f"decorating {cls.__qualname__}", error)


def _observe_own(cls: type, kind: Kind, begin: Begin, options: Options) -> int:
    found: dict[str, FunctionType] = {name: member for name, member in vars(cls).items() if _counts(member, name)}
    for name, member in found.items():
        method = _observed.get(member, member)
        made = observe(method, define(kind, begin, options, method, cls))
        _observed[made] = method
        setattr(cls, name, made)
    return len(found)


def _counts(member: object, name: str) -> TypeGuard[FunctionType]:
    return isinstance(member, FunctionType) and (name == "__call__" or not (name.startswith("_") or name in _HOOKS))


def _follow_subclasses(cls: type, kind: Kind, begin: Begin, options: Options) -> None:
    given = vars(cls).get("__init_subclass__")
    if given is not None and given.__func__ in _follows:
        given = None

    def __init_subclass__(sub: type, **kwargs: Any) -> None:  # noqa: N807
        if given is not None:
            given.__get__(None, sub)(**kwargs)
        else:
            # Looked for rather than remembered: a dataclass with slots is another class than the one decorated.
            owner = next(
                each for each in sub.__mro__ if getattr(vars(each).get("__init_subclass__"), "__func__", None) is __init_subclass__
            )
            super(owner, sub).__init_subclass__(**kwargs)
        try:
            _observe_own(sub, kind, begin, options)
        except Exception as error:
            swallowed(f"following {sub.__qualname__}", error)

    _follows[__init_subclass__] = True
    setattr(cls, "__init_subclass__", classmethod(__init_subclass__))  # noqa: B010 - the name is not one of the class's type
