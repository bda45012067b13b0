"""Rules on one attribute, of any signal: those built into the Weaver live check and those of OpenTelemetry's own policy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agentops_conformance.core_conventions import elsewhere
from agentops_conformance.rules import Problem, rule_set
from agentops_conformance.values import Level, Value
from agentops_conformance.vocabulary import Vocabulary, prefixes

if TYPE_CHECKING:
    from collections.abc import Iterator

_TYPES: Final[tuple[tuple[type, str], ...]] = (
    (str, "string"),
    (bool, "boolean"),
    (int, "int"),
    (float, "double"),
    (dict, "map"),
    (bytes, "bytes"),
)
_FORMAT: Final = re.compile(r"[a-z][a-z0-9]*([._][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute as it was sent."""

    key: str
    value: Value


def missing_attribute(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The registry has neither the attribute nor a template for it; namespaces of the core conventions it does not carry are not judged."""
    key = attribute.key
    if not _known(key, vocabulary) and not elsewhere(key):
        yield Problem(f"{key} is not in the registry: use the conventions' name for it, or a namespace of your own that you declare", key)


def template_attribute(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The attribute extends a template."""
    template = vocabulary.template(attribute.key)
    if template is not None:
        yield Problem(f"{attribute.key} extends the template {template[0]}", attribute.key)


def type_mismatch(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The value is not of the declared type; an integer does for a double, a string or an integer for an enum."""
    declared = _declared_type(attribute.key, vocabulary)
    if declared is not None and not _fits(attribute.value, declared):
        yield Problem(f"{attribute.key} is {_type_of(attribute.value)}, not {declared}: set it as {declared}", attribute.key)


def undefined_enum_variant(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The value is none of an enum's members."""
    declared = vocabulary.attribute(attribute.key)
    if declared is not None and declared.members and attribute.value not in declared.members:
        members = ", ".join(map(str, declared.members))
        yield Problem(f"{attribute.key} is {attribute.value!r}, none of {members}: use one of them where it says the same", attribute.key)


def deprecated(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The registry says that the attribute is no longer to be used; a profile of metrics may still ask for it."""
    template = vocabulary.template(attribute.key)
    declared = vocabulary.attribute(attribute.key) or (template[1] if template else None)
    if declared is not None and declared.deprecated:
        by = f"use {declared.deprecated}" if "." in declared.deprecated else f"leave it out ({declared.deprecated})"
        yield Problem(f"{attribute.key} is deprecated: {by}", attribute.key)


def not_stable(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The attribute is not stable, as nothing of gen_ai.* is; checked where it is asked for."""
    declared = vocabulary.attribute(attribute.key)
    if declared is not None and not declared.stable:
        yield Problem(f"{attribute.key} is not stable: expect it to change", attribute.key)


def missing_namespace(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The attribute's name stands in no namespace."""
    if "." not in attribute.key:
        yield Problem(f"{attribute.key} has no namespace: put one before it, as in acme.{attribute.key}", attribute.key)


def invalid_format(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The name is not in lower case with dots and underscores between its words; what follows a template is free."""
    if vocabulary.template(attribute.key) is None and not well_formed(attribute.key):
        yield Problem(f"{attribute.key} is not written as a name: lower case, words joined by . and _", attribute.key)


def illegal_namespace(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The name takes an existing attribute for a namespace."""
    for prefix in prefixes(attribute.key):
        existing = vocabulary.attribute(prefix)
        if existing is not None and not existing.deprecated:
            yield Problem(f"{attribute.key} uses the attribute {prefix} as a namespace: choose another", attribute.key)


def extends_namespace(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """An unknown name in a known namespace."""
    namespace = vocabulary.namespace(attribute.key)
    if namespace is not None and not _known(attribute.key, vocabulary):
        yield Problem(f"{attribute.key} extends the namespace {namespace}, which is the conventions' own", attribute.key)


def well_formed(name: str) -> bool:
    """Whether a name of an attribute or a metric is written as one."""
    return _FORMAT.fullmatch(name) is not None


def _known(key: str, vocabulary: Vocabulary) -> bool:
    return vocabulary.attribute(key) is not None or vocabulary.template(key) is not None


def _declared_type(key: str, vocabulary: Vocabulary) -> str | None:
    declared = vocabulary.attribute(key)
    if declared is not None:
        return declared.type
    template = vocabulary.template(key)
    return template[1].type.removeprefix("template[").removesuffix("]") if template else None


def _fits(value: Value, declared: str) -> bool:
    if declared == "any":
        return True
    if declared.startswith("enum:"):
        return _type_of(value) in ("string", "int")
    if isinstance(value, list) and declared.endswith("[]"):
        return all(_fits(item, declared.removesuffix("[]")) for item in value)
    return _type_of(value) == declared or (declared == "double" and _type_of(value) == "int")


def _type_of(value: Value) -> str:
    if isinstance(value, list):
        kinds = sorted({_type_of(item) for item in value})
        return f"{'|'.join(kinds)}[]"
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "empty")


RULES: Final = (
    *rule_set(Level.VIOLATION, missing_attribute, type_mismatch, deprecated, invalid_format, illegal_namespace),
    *rule_set(Level.IMPROVEMENT, missing_namespace),
    *rule_set(Level.INFORMATION, template_attribute, undefined_enum_variant, extends_namespace),
)
ON_REQUEST: Final = rule_set(Level.IMPROVEMENT, not_stable)
