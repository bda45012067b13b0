"""Makes `registry/registry.json` from the data of the GenAI semantic conventions: `python -m agentops_conformance.extract SOURCE_DIR`.

SOURCE_DIR holds `registry.json` (attributes, spans, metrics, events, entities of one revision), `emitted_python_*.json` (what the
published packages emit) and `schemas/` (JSON schemas of content). Only what rules use is kept, one entry a line, so that an update
of the revision reads as a diff. The prose of a condition becomes the name of one that `conditions` knows.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any, Final

from agentops_conformance.conditions import NAMES

Json = dict[str, Any]

TARGET: Final = Path(__file__).with_name("registry") / "registry.json"
_ANNOTATIONS: Final = frozenset({"title", "default", "format", "deprecated", "additionalProperties"})
_KEYWORDS: Final = frozenset({"$ref", "type", "const", "enum", "required", "properties", "items", "anyOf"})
_TEMPLATE: Final = re.compile(r"`([^`{]+ \{[^`]+)`")
_SHORT: Final = {"{tool}": "{gen_ai.tool.name}", "{skill}": "{gen_ai.skill.name}", "{resource}": "{gen_ai.skill.resource.name}"}
_OFFLINE: Final = {"gen-ai-tool-definitions.json": "gen-ai-tool-definitions.offline.json"}


def extract(source: Path) -> dict[str, Json]:
    """The sections of the extract. Raises KeyError or ValueError where the source is not shaped as known."""
    registry = _read(source / "registry.json")
    (published,) = [_read(file) for file in source.glob("emitted_python_*.json")]
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
        "refinements": dict(sorted(refinements.items())),
        "metrics": {name: _metric(entry) for name, entry in sorted(registry["metrics"].items())},
        "metric_refinements": _metric_refinements(published, registry),
        "published_metrics": {name: _published(name, registry) for name in sorted(published["metrics"])},
        "events": {name: _event(entry) for name, entry in sorted(registry["events"].items())},
        "entities": dict(sorted(registry["entities"].items())),
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
    if entry["stability"] == "stable":
        kept["stable"] = True
    return kept


def _levels(attributes: Json) -> Json:
    """`{level: {attribute: name of the condition}}`, empty where the level has none. Raises KeyError for a condition without a name."""
    levels: Json = {}
    for name, entry in sorted(attributes.items()):
        level = entry["requirement_level"]
        levels.setdefault(level["level"], {})[name] = NAMES[level["condition"]] if "condition" in level else ""
    return levels


def _span(entry: Json) -> Json:
    kept: Json = {
        "operations": entry["operation_names"],
        "kinds": entry["allowed_kinds"],
        "names": entry["name_templates_in_order"],
        "attributes": _levels(entry["attributes"]),
    }
    if "identifying_attributes_if_no_operation_name" in entry:
        kept["identified_by"] = entry["identifying_attributes_if_no_operation_name"]
    return kept


def _refinement(entry: Json) -> Json:
    overridden = {name: entry["attributes"][name] for name in entry["overrides"]}
    kept: Json = {"refines": entry["refines"], "attributes": _levels(overridden)}
    if entry["provider_name"]:
        return kept | {"provider": entry["provider_name"]}
    # What a tool may be in particular, told by its name alone.
    templates = _TEMPLATE.findall(entry["name_rule"])
    for short, full in _SHORT.items():
        templates = [template.replace(short, full) for template in templates]
    return kept | {"names": templates}


def _metric(entry: Json) -> Json:
    kept: Json = {"instrument": entry["instrument"], "unit": entry["unit"], "attributes": _levels(entry["attributes"])}
    if "bucket_boundaries" in entry:
        kept["buckets"] = entry["bucket_boundaries"]
    return kept | _common(entry)


def _published(name: str, registry: Json) -> Json:
    """A metric of the published packages: as the registry has it, or else as the histogram that took its place."""
    kept = _metric(registry["metrics"][_counterpart(name, registry)])
    if name == "gen_ai.client.token.usage":
        kept["attributes"]["required"]["gen_ai.token.type"] = ""
    return kept


def _counterpart(name: str, registry: Json) -> str:
    if name in registry["metrics"]:
        return name
    successors = _replacement(registry["renamed_or_removed"]["metrics"][name])
    return next(successor for successor in successors if registry["metrics"][successor]["instrument"] == "histogram")


def _metric_refinements(published: Json, registry: Json) -> Json:
    """What providers say differently of metrics; of those that the registry has replaced, what they say of the successor."""
    found: Json = {}
    for name, entry in sorted(registry["metric_refinements"].items()):
        provider = name.partition(".gen_ai.")[0]
        of = [entry["refines"], *(old for old in sorted(published["metrics"]) if _counterpart(old, registry) == entry["refines"] != old)]
        found |= {
            f"{provider}.{metric}": {"refines": metric, "provider": provider, "attributes": _levels(entry["added_attributes"])}
            for metric in of
        }
    return found


def _event(entry: Json) -> Json:
    kept: Json = {"attributes": _levels(entry["attributes"])}
    if "severity_number" in entry:
        kept["severity"] = entry["severity_number"]
    return kept | _common(entry)


def _common(entry: Json) -> Json:
    kept: Json = {}
    if "entity_associations" in entry:
        kept["entities"] = entry["entity_associations"]
    if entry["stability"] == "stable":
        kept["stable"] = True
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
