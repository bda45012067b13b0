#!/bin/sh
# Pins the environments of the benchmarks: every peer on the very versions this project's own is measured on, as far as it accepts them.
. "$(dirname "$0")/pin.sh"

constraints="$(mktemp)"
trap 'rm -f "$constraints"' EXIT

pin bench-ours pyproject.toml requirements/bench-bare.in
pin bench-bare requirements/bench-bare.in --constraints requirements/bench-ours.txt
# What a call goes through beside the peer itself; all else is the peer's own choice.
same='openai|httpx2|httpcore2|pydantic|pydantic-core|opentelemetry-[a-z-]*'
grep -E "^($same)==" requirements/bench-ours.txt | sed 's/ \\$//' >"$constraints"
for peer in openinference langfuse logfire openllmetry agentops; do
    pin "bench-$peer" requirements/bench-bare.in "requirements/bench-$peer.in" --constraints "$constraints"
done
pin bench-official requirements/bench-bare.in requirements/bench-official.in --constraints "$constraints" --prerelease allow
pin bench-openlit requirements/bench-openlit.in
