#!/bin/sh
# Pins the receivers that `make e2e` reads back from, each in an environment of its own.
set -eu
cd "$(dirname "$0")/.."
uv="${UV:-uv}"

for name in phoenix mlflow rotel; do
    "$uv" pip compile --quiet --universal --python-version 3.10 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate --upgrade --output-file "requirements/receiver-$name.txt" \
        "requirements/receiver-$name.in"
done
