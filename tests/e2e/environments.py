"""Environments of their own under `.venvs` for programs the tests start: pinned, hashed, kept while their requirements stay the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.environments import python_of

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class _Environment:
    requirements: str
    project: bool


def interpreter(name: str, *, project: bool = False) -> Path:
    """The interpreter of the environment of `requirements/<name>.txt`, with this project's wheel in it where `project` is set.

    What cannot be installed is an error with uv's own words, so that the test fails.
    """
    return python_of(_Environment(f"{name}.txt", project))
