#!/bin/sh
# Pins the environments of the peers in conformance/REPORT.md: each with the newest vendor SDKs it accepts.
set -eu
cd "$(dirname "$0")/.."
uv="${UV:-uv}"

pin() {
    name="$1"
    shift
    "$uv" pip compile --quiet --universal --python-version 3.10 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate --upgrade --output-file "requirements/$name.txt" \
        "requirements/$name.in" requirements/peer-runner.in "$@"
}

pin peer-ours pyproject.toml
pin peer-official --prerelease allow
pin peer-openllmetry
pin peer-openinference
pin peer-openlit
pin peer-logfire
