#!/bin/sh
# Pins every environment of this folder anew, with hashes and without an index address. Run from anywhere: `make lock`.
set -eu
cd "$(dirname "$0")/.."
uv="${UV:-uv}"

lock() {
    name="$1"
    shift
    "$uv" pip compile pyproject.toml --quiet --universal --python-version 3.10 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate --upgrade --output-file "requirements/$name.txt" "$@"
}

lock test --extra full --group test
lock sdks-oldest --group sdks-oldest
lock sdks-previous --group sdks-previous
lock oldest --extra full --group sdks --resolution lowest-direct
lock neighbours --group neighbours --prerelease allow
lock check --extra full --group test --group check
