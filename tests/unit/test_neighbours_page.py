"""The page about neighbours names the versions that the tests beside them install."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_versions_are_those_that_were_tried() -> None:
    page = (ROOT / "docs" / "neighbours.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"^\| ([a-z][a-z0-9-]+) (\d[\w.]*)", page, re.MULTILINE))
    pinned = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "requirements").glob("neighbour-*.txt"))
    asked = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "requirements").glob("neighbour-*.in"))
    assert all(f"{name}=={version}" in pinned for name, version in named.items())
    assert set(named) == {re.split(r"[=><]", line)[0] for line in asked.splitlines() if line} - {"openai", "opentelemetry-util-genai"}
