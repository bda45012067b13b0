"""Rules on one attribute, of any signal: those built into the Weaver live check and those of OpenTelemetry's own policy.

`not_stable` is left out: nothing of gen_ai.* is stable, so it would fire on everything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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
    """The registry has neither the key nor a template for it."""
    if vocabulary.attribute(attribute.key) is None and vocabulary.template(attribute.key) is None:
        yield Problem(f"{attribute.key} is not in the registry", attribute.key)


def template_attribute(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The key extends a template."""
    template = vocabulary.template(attribute.key)
    if template is not None:
        yield Problem(f"{attribute.key} extends the template {template[0]}", attribute.key)


def type_mismatch(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The value is not of the declared type; an integer does for a double, a string or an integer for an enum."""
    declared = _declared_type(attribute.key, vocabulary)
    if declared is not None and not _fits(attribute.value, declared):
        yield Problem(f"{attribute.key} is {_type_of(attribute.value)}, not {declared}", attribute.key)


def undefined_enum_variant(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The value is none of an enum's members."""
    declared = vocabulary.attribute(attribute.key)
    if declared is not None and declared.members and attribute.value not in declared.members:
        yield Problem(f"{attribute.key} is {attribute.value!r}, which is no member", attribute.key)


def deprecated(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The registry says that the key is no longer to be used."""
    template = vocabulary.template(attribute.key)
    declared = vocabulary.attribute(attribute.key) or (template[1] if template else None)
    if declared is not None and declared.deprecated:
        yield Problem(f"{attribute.key} is deprecated: {declared.deprecated}", attribute.key)


def missing_namespace(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The key stands in no namespace."""
    if "." not in attribute.key:
        yield Problem(f"{attribute.key} has no namespace", attribute.key)


def invalid_format(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The key is not written as attribute names are; what follows a template is free."""
    if vocabulary.template(attribute.key) is None and not _FORMAT.fullmatch(attribute.key):
        yield Problem(f"{attribute.key} is not written as an attribute name", attribute.key)


def illegal_namespace(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The key takes an existing attribute for a namespace."""
    for prefix in prefixes(attribute.key):
        existing = vocabulary.attribute(prefix)
        if existing is not None and not existing.deprecated:
            yield Problem(f"{attribute.key} uses the attribute {prefix} as a namespace", attribute.key)


def extends_namespace(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """An unknown key in a known namespace."""
    namespace = vocabulary.namespace(attribute.key)
    if namespace is not None and not _known(attribute.key, vocabulary):
        yield Problem(f"{attribute.key} extends the namespace {namespace}", attribute.key)


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
