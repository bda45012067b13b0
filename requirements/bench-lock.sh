#!/bin/sh
# Pins the environments of the benchmarks: every peer on the very versions this project's own is measured on.
set -eu
cd "$(dirname "$0")/.."
uv="${UV:-uv}"

pin() {
    name="$1"
    shift
    "$uv" pip compile --quiet --universal --python-version 3.10 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate --upgrade --output-file "requirements/$name.txt" "$@"
}

pin bench-ours pyproject.toml requirements/bench-bare.in
pin bench-bare requirements/bench-bare.in --constraints requirements/bench-ours.txt
pin bench-official requirements/bench-bare.in requirements/bench-official.in --constraints requirements/bench-ours.txt --prerelease allow
