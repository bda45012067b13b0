#!/bin/sh
# Pins what tests of `make e2e` start in environments of their own: receivers, and programs that are configured by a file.
. "$(dirname "$0")/pin.sh"

for name in phoenix mlflow rotel; do
    pin "receiver-$name" "requirements/receiver-$name.in"
done
pin declarative requirements/declarative.in pyproject.toml --extra full --extra file-configuration
