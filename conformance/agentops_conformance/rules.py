"""What a rule is: an id, a level and one small function that says what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agentops_conformance.values import Level
    from agentops_conformance.vocabulary import Vocabulary

Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong and what to do, and with which attribute where it is one."""

    message: str
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class Rule(Generic[Subject]):
    """`find` yields a problem for each thing the rule finds wrong; what the rule says is its docstring's first line."""

    id: str
    level: Level
    find: Callable[[Subject, Vocabulary], Iterable[Problem]]

    @property
    def summary(self) -> str:
        """The rule in a sentence."""
        return (self.find.__doc__ or "").partition("\n")[0]


def rule_set(level: Level, *functions: Callable[[Subject, Vocabulary], Iterable[Problem]]) -> tuple[Rule[Subject], ...]:
    """Rules of one level; a rule's id is its function's name."""
    return tuple(Rule(function.__name__, level, function) for function in functions)
