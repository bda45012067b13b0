#!/bin/sh
# Pins what tests of `make e2e` start in environments of their own: receivers, and programs that are configured by a file.
set -eu
cd "$(dirname "$0")/.."
uv="${UV:-uv}"

pin() {
    name="$1"
    shift
    "$uv" pip compile --quiet --universal --python-version 3.10 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate --upgrade --output-file "requirements/$name.txt" \
        "requirements/$name.in" "$@"
}

pin receiver-phoenix
pin receiver-mlflow
pin receiver-rotel
pin declarative pyproject.toml --extra full --extra file-configuration
