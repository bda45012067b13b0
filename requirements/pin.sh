# Read in by the scripts beside it. `pin NAME SOURCE…` pins requirements/NAME.txt, with hashes and without an index address.
set -eu
cd "$(dirname "$0")/.."

pin() {
    name="$1"
    shift
    "${UV:-uv}" pip compile --quiet --universal --python-version 3.10 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate --upgrade --output-file "requirements/$name.txt" "$@"
}
