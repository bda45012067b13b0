#!/bin/sh
# Pins the environments of the peers in conformance/REPORT.md: each with the newest vendor SDKs it accepts.
. "$(dirname "$0")/pin.sh"

peer() {
    name="$1"
    shift
    pin "peer-$name" "requirements/peer-$name.in" requirements/peer-runner.in "$@"
}

peer ours pyproject.toml
peer official --prerelease allow
peer openllmetry
peer openinference
peer openlit
peer logfire
