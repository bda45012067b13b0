"""A provider is small: what it has in common with others is in the kernel, or in a module named for what it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import pytest

from tests.providers.every_provider import INSTRUMENTORS, ROOT

ONE_API: Final = 400
SEVERAL_APIS: Final = 800
"""Lines of a provider's folder; the second for those whose SDK has more than one API."""
LARGE: Final = {"openai", "anthropic", "google_genai", "bedrock"}
INSTRUMENTOR: Final = 150
"""Lines of the module with the instrumentor, and of the one with its table of endpoints."""


def _lines(*files: Path) -> int:
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)


@pytest.mark.parametrize("name", INSTRUMENTORS)
def test_a_provider_is_small(name: str) -> None:
    assert _lines(*(ROOT / name).rglob("*.py")) < (SEVERAL_APIS if name in LARGE else ONE_API)
    kind = INSTRUMENTORS[name]
    table = ROOT.parent / (kind.endpoints.partition(":")[0].replace(".", "/") + ".py")
    for module in (Path(str(sys.modules[kind.__module__].__file__)), table):
        assert _lines(module) < INSTRUMENTOR, module


def test_every_folder_is_a_provider_with_an_entry_point_or_shared() -> None:
    folders = {file.parent.name for file in ROOT.glob("*/__init__.py")}
    assert folders - {"core", "formats"} == set(INSTRUMENTORS)
