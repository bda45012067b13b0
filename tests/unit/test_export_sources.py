"""What the sources themselves must not do: touch private attributes, or stand on upstream's exporters."""

from __future__ import annotations

import ast
from pathlib import Path

SRC = Path(__file__).parents[2] / "src" / "agentops"
OWN = ("self", "cls")


def trees(folder: Path) -> dict[str, ast.Module]:
    found = {str(file.relative_to(SRC)): ast.parse(file.read_text("utf-8")) for file in sorted(folder.rglob("*.py"))}
    assert found
    return found


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_no_private_attribute_of_another_object_is_touched() -> None:
    """Of `self` and of modules and classes of the very file; never of what OpenTelemetry made."""
    touched = [
        f"{file}:{node.lineno} {ast.unparse(node)}"
        for file, tree in trees(SRC / "export").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and private(node.attr) and not (isinstance(node.value, ast.Name) and node.value.id in OWN)
    ]
    assert touched == []


def test_attributes_of_ours_do_not_shadow_those_of_a_class_of_opentelemetry() -> None:
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    processors = [BatchSpanProcessor(InMemorySpanExporter()), BatchLogRecordProcessor(InMemorySpanExporter())]  # type: ignore[arg-type]
    theirs = {name for processor in processors for name in (*dir(processor), *vars(processor))}
    for processor in processors:
        processor.shutdown()
    (tree,) = [tree for file, tree in trees(SRC / "export").items() if file.endswith("attach.py")]
    assigned = {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and private(node.attr)
    }
    assert assigned
    assert assigned & theirs == set()


def test_upstreams_exporters_are_neither_imported_nor_looked_up() -> None:
    for file, tree in trees(SRC / "export").items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.startswith(("opentelemetry.exporter.otlp.proto.http", "opentelemetry.exporter.http")) for name in names), (
                file
            )
