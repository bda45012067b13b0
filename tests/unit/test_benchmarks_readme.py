"""The README's figures are those of the last run that was kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import readme
from benchmarks.environments import ROOT

if TYPE_CHECKING:
    from pathlib import Path

RESULTS = """## Calls: added µs

| case | clock | bare | ours | official | Langfuse | OpenLIT | floor | bare again |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
| chat, content, per call | wall | 9.0 / 8.0 | 9.0 ± 0.1 | 9.0 ± 0.1 | 9.0 ± 0.1 | 9.0 ± 0.1 * | 9.0 ± 0.1 | 9.0 ± 0.1 |
|  | cpu | 1,534.0 / 1500.0 | 121.4 ± 3.1 | 405.0 ± 2.0 | 344.0 ± 3.0 | 20.0 ± 1.0 * | 30.0 ± 2.0 | 0.1 ± 1.0 |
|  | total | 1550.0 / 1500.0 | 180.6 ± 3.1 | 409.0 ± 2.0 | 346.0 ± 3.0 | 20.0 ± 1.0 * | 30.0 ± 2.0 | 0.1 ± 1.0 |
| stream, content, per chunk | wall | 9.0 / 8.0 | 9.0 ± 0.1 | 9.0 ± 0.1 | 9.0 ± 0.1 | 9.0 ± 0.1 | 9.0 ± 0.1 | 9.0 ± 0.1 |
|  | cpu | 120.0 / 120.0 | 3.5 ± 0.1 | 37.0 ± 2.0 | 1.0 ± 3.0 | 25.0 ± 1.0 | 0.0 ± 2.0 | 0.1 ± 1.0 |
|  | total | 120.0 / 120.0 | 15.9 ± 0.1 | 38.0 ± 2.0 | 1.0 ± 3.0 | 25.0 ± 1.0 | 0.0 ± 2.0 | 0.1 ± 1.0 |
"""


def test_the_readme_says_what_the_results_say() -> None:
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    assert readme.section(results) in (ROOT / "README.md").read_text(encoding="utf-8"), "run: make bench-peers, or readme.rewrite"


def test_the_figures_are_those_of_the_tables(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("# Product\n\n<!-- costs: written by make bench-peers -->\nof yesterday\n<!-- end of costs -->\n## Next\n")
    readme.rewrite(page, RESULTS)
    assert page.read_text().startswith("# Product\n\n<!-- costs")
    assert page.read_text().endswith("<!-- end of costs -->\n## Next\n")
    text = " ".join(page.read_text().split())
    assert "yesterday" not in text
    for figure in ("takes the OpenAI client 1.5 ms", "adds 121 µs", "181 µs with", "of 2 other instrumentations, Langfuse, adds 346 µs"):
        assert figure in text
    for figure in ("own 409 µs", "takes 3.5 µs more, 15.9 µs with"):
        assert figure in text
    readme.rewrite(page, RESULTS.replace("121.4", "99.0"))
    assert "adds 99 µs" in page.read_text()
