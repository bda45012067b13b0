"""Makes `registry/registry.json` from the data of the GenAI semantic conventions: `python -m agentops_conformance.extract SOURCE_DIR`.

SOURCE_DIR holds `registry.json` (attributes, spans, metrics, events of one revision) and `schemas/` (JSON schemas of content).
Only what rules use is kept, one entry a line, so that an update of the revision reads as a diff.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

Json = dict[str, Any]

TARGET: Final = Path(__file__).with_name("registry") / "registry.json"
_ANNOTATIONS: Final = frozenset({"title", "default", "format", "deprecated", "additionalProperties"})
_KEYWORDS: Final = frozenset({"$ref", "type", "const", "enum", "required", "properties", "items", "anyOf"})
_OFFLINE: Final = {"gen-ai-tool-definitions.json": "gen-ai-tool-definitions.offline.json"}


def extract(source: Path) -> dict[str, Json]:
    """The sections of the extract. Raises KeyError or ValueError where the source is not shaped as known."""
    registry = _read(source / "registry.json")
    target = registry["meta"]["target"]
    refinements = {name: _refinement(entry) for name, entry in registry["span_refinements"].items()}
    return {
        "meta": {
            "repository": target["repo"],
            "commit": target["commit"],
            "date": target["date"],
            "core": target["core_dependency"],
            "made_by": "python -m agentops_conformance.extract",
        },
        "attributes": {name: _attribute(entry) for name, entry in sorted(registry["attributes"].items())},
        "spans": {name: _span(entry) for name, entry in sorted(registry["spans"].items())},
        "refinements": {name: entry for name, entry in sorted(refinements.items()) if entry["provider"]},
        "metrics": {name: _metric(entry) for name, entry in sorted(registry["metrics"].items())},
        "events": {name: _event(entry) for name, entry in sorted(registry["events"].items())},
        "replaced_metrics": {name: _replacement(entry) for name, entry in sorted(registry["renamed_or_removed"]["metrics"].items())},
        "replaced_events": {name: _replacement(entry) for name, entry in sorted(registry["renamed_or_removed"]["events"].items())},
        "schemas": {name: _schema(source / "schemas", file) for name, file in sorted(registry["json_schemas"].items())},
    }


def _read(path: Path) -> Json:
    return json.loads(path.read_text(encoding="utf-8"))


def _attribute(entry: Json) -> Json:
    kept: Json = {"type": entry["type"]}
    if "members" in entry:
        kept["members"] = [member["value"] for member in entry["members"] if "deprecated" not in member]
    if "deprecated" in entry:
        kept["deprecated"] = entry["deprecated"].get("renamed_to") or entry["deprecated"]["reason"]
    return kept


def _levels(attributes: Json) -> Json:
    """`{level: {attribute: condition}}`, the condition empty where the level has none."""
    levels: Json = {}
    for name, entry in sorted(attributes.items()):
        level = entry["requirement_level"]
        levels.setdefault(level["level"], {})[name] = level.get("condition", "")
    return levels


def _span(entry: Json) -> Json:
    return {
        "operations": entry["operation_names"],
        "kinds": entry["allowed_kinds"],
        "names": entry["name_templates_in_order"],
        "attributes": _levels(entry["attributes"]),
    }


def _refinement(entry: Json) -> Json:
    overridden = {name: entry["attributes"][name] for name in entry["overrides"]}
    return {"refines": entry["refines"], "provider": entry["provider_name"], "attributes": _levels(overridden)}


def _metric(entry: Json) -> Json:
    kept: Json = {"instrument": entry["instrument"], "unit": entry["unit"], "attributes": _levels(entry["attributes"])}
    if "bucket_boundaries" in entry:
        kept["buckets"] = entry["bucket_boundaries"]
    return kept


def _event(entry: Json) -> Json:
    kept: Json = {"attributes": _levels(entry["attributes"])}
    if "severity_number" in entry:
        kept["severity"] = entry["severity_number"]
    return kept


def _replacement(entry: Json) -> list[str]:
    replacement = entry["replacement"]
    return [replacement] if isinstance(replacement, str) else replacement


def _schema(folder: Path, file: str) -> Json:
    # The published schema of tool definitions refers to another one on the network.
    return _compact(_read(folder / _OFFLINE.get(file, file)))


def _compact(schema: Json) -> Json:
    """The schema without annotations. Raises ValueError for a keyword that `agentops_conformance.schema` does not know."""
    kept: Json = {}
    for keyword, value in schema.items():
        if keyword in ("$defs", "properties"):
            kept[keyword] = {name: _compact(inner) for name, inner in value.items()}
        elif keyword == "items":
            kept[keyword] = _compact(value)
        elif keyword == "anyOf":
            kept[keyword] = [_compact(branch) for branch in value]
        elif keyword in _KEYWORDS:
            kept[keyword] = value
        elif keyword not in _ANNOTATIONS or (keyword == "additionalProperties" and value is not True):
            raise ValueError(f"unknown JSON schema keyword {keyword!r}: {value!r}")
    return kept


def dump(sections: dict[str, Json]) -> str:
    """JSON with one entry of each section a line."""
    blocks: list[str] = []
    for title, entries in sections.items():
        lines = [f"  {json.dumps(name)}: {json.dumps(entry, separators=(', ', ': '))}" for name, entry in entries.items()]
        blocks.append(f" {json.dumps(title)}: {{\n" + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(blocks) + "\n}\n"


def main() -> None:
    """Write the extract in place."""
    parser = argparse.ArgumentParser(prog="python -m agentops_conformance.extract", description=__doc__)
    parser.add_argument("source", type=Path, metavar="SOURCE_DIR")
    sections = extract(parser.parse_args().source)
    TARGET.write_text(dump(sections), encoding="utf-8")
    print(f"{TARGET.name}: " + ", ".join(f"{len(entries)} {title}" for title, entries in sections.items()))


if __name__ == "__main__":
    main()
