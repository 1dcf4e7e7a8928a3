#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs every fuzz target of the given packages for FUZZTIME each (30s), one after
# another, and fails when one did. A failing input is kept under the package's
# testdata/fuzz, ready to be committed with the repair.
set -euo pipefail

go=${GO:-go}
failed=0
found=0
while read -r package; do
    while read -r target; do
        found=$((found + 1))
        echo "== $package $target"
        "$go" test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-30s}" "$package" || failed=$((failed + 1))
    done < <("$go" test -list '^Fuzz' "$package" | grep '^Fuzz' || true)
done < <("$go" list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' "${@:-./...}")

echo "$found fuzz targets, $failed failed"
[ "$failed" -eq 0 ] && [ "$found" -gt 0 ]
