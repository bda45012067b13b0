#!/bin/sh
# Pins what `make e2e` installs beside this project: one environment for each distro, one for what needs none of its own.
set -eu
cd "$(dirname "$0")/.."
uv="${UV:-uv}"

for name in elastic aws splunk sdks instrumentors; do
    "$uv" pip compile --quiet --universal --python-version 3.10 --generate-hashes --prerelease if-necessary-or-explicit \
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate --upgrade --output-file "requirements/neighbour-$name.txt" \
        pyproject.toml --extra full "requirements/neighbour-$name.in"
done
