"""Every rule is broken at least once on telemetry that conforms, and what is newly found is that rule."""

from __future__ import annotations

from collections import Counter

import pytest

from agentops_conformance.checks import RULE_IDS, check
from agentops_conformance.values import Level
from agentops_conformance.vocabulary import Profile, Vocabulary, vocabulary
from tests.unit.conformance_mutations import LATEST_GOOD, MUTATIONS, NO_CONTENT, Mutation
from tests.unit.conformance_telemetry import GOOD


def label(mutation: Mutation) -> str:
    return mutation.rule


@pytest.mark.parametrize("mutation", MUTATIONS, ids=label)
def test_what_is_broken_is_found_by_the_rule_meant_for_it(mutation: Mutation) -> None:
    known = Vocabulary(*mutation.sections, mutation.profile)

    def found(telemetry: object) -> Counter[tuple[str, str, str]]:
        findings = check(telemetry, known, mutation.options)
        # The span's name is not part of a finding's identity: a mutation may change it.
        return Counter((finding.id, finding.signal_type, finding.message) for finding in findings)

    new = found(mutation.broken) - found(mutation.good)
    assert {rule for rule, _, _ in new} == {mutation.rule} | mutation.also


def test_no_rule_is_without_a_mutation() -> None:
    assert {mutation.rule for mutation in MUTATIONS} == set(RULE_IDS)


@pytest.mark.parametrize(
    ("telemetry", "profile"), [(GOOD, Profile.PUBLISHED), (LATEST_GOOD, Profile.LATEST), (NO_CONTENT, Profile.PUBLISHED)]
)
def test_what_is_not_broken_has_no_violations(telemetry: object, profile: Profile) -> None:
    assert [str(finding) for finding in check(telemetry, vocabulary(profile)) if finding.level is Level.VIOLATION] == []
