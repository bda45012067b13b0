#!/bin/sh
# Pins the environments of the project's own dependency groups anew. Run from anywhere: `make lock`.
. "$(dirname "$0")/pin.sh"

pin test pyproject.toml --extra full --group test
pin sdks-oldest pyproject.toml --group sdks-oldest
pin sdks-previous pyproject.toml --group sdks-previous
pin oldest pyproject.toml --extra full --group sdks --resolution lowest-direct
pin neighbours pyproject.toml --group neighbours --prerelease allow
pin check pyproject.toml --extra full --group test --group check
