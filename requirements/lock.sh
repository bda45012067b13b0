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

lock test --extra openai --extra full --group test
lock openai-1 --group openai-1
lock openai-2 --group openai-2
lock oldest --extra full --group openai-3 --resolution lowest-direct
lock check --extra openai --extra full --group test --group check
