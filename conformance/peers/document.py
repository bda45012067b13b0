"""`conformance/REPORT.md`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from agentops_conformance.values import Level
from agentops_conformance.vocabulary import vocabulary
from conformance import gaps, scenarios
from conformance.peers import tables
from conformance.peers.better import better

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.gate import Result as Verdict
    from conformance.peers.observe import Result

_TITLES: Final = {"openai": "OpenAI", "anthropic": "Anthropic"}
_INTRODUCTION: Final = """# Conformance, ours and others'

Made by `make conformance`; do not edit. The checker holds what was exported against
{conventions}.

The same scenarios (`conformance/scenarios/`) drive the real client against the same stand-in service through each
instrumentation, in an environment of its own (`requirements/peer-*.txt`), set up as its documentation says, with content
recorded. Ours runs there as the others do: its instrumentors alone, under an application's own SDK. Each has the newest client
it accepts.

{versions}

OpenInference runs with `OPENINFERENCE_ENABLE_GENAI_SEMCONV=true`, Logfire with `version="latest"`, OpenLIT without its
instrumentations of HTTP. By design OpenInference, OpenLIT and Logfire keep attributes of their own on every span; the checker
counts those as violations like any other name that no registry has, so *kinds of violations* says where a high number comes
from. What Anthropic's client emits by itself, unless `ANTHROPIC_OPEN_TELEMETRY=false` forbids it, counts for whoever lets it."""
_READING: Final = """*Violations* are counted once for each kind (rule and attribute) in a scenario. *Expected attributes*
are those that the conventions require, or recommend without a condition, for the operation that was called, whether or not the
span says which it is. Tokens are summed from whichever attribute a peer has for them, and compared with what the service told
the client in calls that were read to their end."""


def document(results: Mapping[str, Sequence[Result]], verdict: Verdict) -> str:
    """The whole page."""
    meta = vocabulary().meta
    conventions = f"[{meta['repository']}](https://github.com/{meta['repository']}) of {meta['date']} (`{meta['commit'][:12]}`)"
    parts = [_INTRODUCTION.format(conventions=conventions, versions=tables.versions(results)), _READING]
    for client, of_client in results.items():
        parts += _client(client, of_client)
    return "\n\n".join([*parts, *_gate(verdict)]) + "\n"


def _client(client: str, results: Sequence[Result]) -> list[str]:
    title, advantages = _TITLES[client], better(client, results)
    return [
        f"## {title}",
        f"{len(results[0].observed)} scenarios.",
        tables.summary(results),
        f"### {title}: where others do better",
        advantages or "Nowhere in these scenarios.",
        f"### {title}: scenario by scenario",
        "Kinds of violations · expected attributes missing; where sync and async differ, both. ✗: the program gets an error "
        "that is none of the client's own, which an older client also gives where it lacks what is called.",
        tables.by_scenario(results),
        f"### {title}: which violations",
        "In how many scenarios. Unknown attributes of an own namespace are one row.",
        tables.kinds(results),
    ]


def _gate(verdict: Verdict) -> list[str]:
    known = [name for name, covered in scenarios.instrumentors().items() if covered]
    said = Counter(failure.partition(": ")[2] for failure in verdict.failures)
    failures = [f"- {failure}{f' ({count} scenarios)' if count > 1 else ''}" for failure, count in said.most_common()]
    return [
        "## Every scenario of ours",
        "As `make check` runs them, through `agentops.init()`, with sessions, metrics and events, in both profiles of metrics, with "
        "content and without. Every violation is declared in `conformance/gaps.toml`; one that is not, or that occurs no more, fails "
        "the check.",
        verdict.summary + ".",
        *(["Not declared:\n\n" + "\n".join(failures)] if failures else []),
        _counts(verdict, known),
        "### Declared gaps",
        _declared(known),
    ]


def _counts(verdict: Verdict, providers: Sequence[str]) -> str:
    rows: list[list[str]] = []
    for name in providers:
        named = {scenario.name for scenario in scenarios.provider(name).scenarios}
        levels = Counter(finding.level for scenario, finding in verdict.findings if scenario in named)
        clean = named - {scenario for scenario, finding in verdict.findings if finding.level is Level.VIOLATION}
        rows.append([name, str(len(named)), str(len(clean)), *(str(levels[level]) for level in reversed(Level))])
    return tables.table(["instrumentor", "scenarios", "without a violation", *(f"{level.value}s" for level in reversed(Level))], rows)


def _declared(providers: Sequence[str]) -> str:
    rows = [
        [", ".join(f"`{pattern}`" for pattern in gap.scenarios), f"`{gap.finding}` {gap.attribute}".strip(), gap.reason]
        for gap in gaps.declared(providers)
    ]
    return tables.table(["scenarios", "finding", "reason"], rows, left=3)
