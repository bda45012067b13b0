#!/bin/sh
# Pins what `make e2e` installs beside this project: one environment for each distro, one for what needs none of its own.
. "$(dirname "$0")/pin.sh"

for name in elastic aws splunk sdks instrumentors; do
    pin "neighbour-$name" pyproject.toml --extra full "requirements/neighbour-$name.in" --prerelease if-necessary-or-explicit
done
