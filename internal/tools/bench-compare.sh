#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# bench-compare.sh REF measures benchmarks of the working tree against those of
# commit REF and prints benchstat's table. The two take turns, COUNT times (10):
# a machine that slows down slows both. PKG and BENCH choose the benchmarks.
set -euo pipefail

ref=${1:?usage: make bench-compare REF=commit [PKG=./cpu] [BENCH=MatMul] [COUNT=10]}
go=${GO:-go}
package=${PKG:-./...}
bench=${BENCH:-.}
top=$(git rev-parse --show-toplevel)
work=$(mktemp -d)
cleanup() {
    git -C "$top" worktree remove --force "$work/old" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

git -C "$top" worktree add --quiet --detach "$work/old" "$ref"

# build TREE FOLDER compiles the test binary of each package that has benchmarks.
build() {
    mkdir -p "$2"
    while read -r path dir; do
        if grep -qs '^func Benchmark' "$dir"/*_test.go; then
            "$go" -C "$1" test -c -o "$2/${path//\//_}" "$path"
            echo "$dir" >"$2/${path//\//_}.dir"
        fi
    done < <("$go" -C "$1" list -f '{{.ImportPath}} {{.Dir}}' "$package")
}
build "$work/old" "$work/bin.old"
build "$top" "$work/bin.new"

for ((round = 1; round <= ${COUNT:-10}; round++)); do
    echo "round $round of ${COUNT:-10}" >&2
    for side in old new; do
        for where in "$work/bin.$side"/*.dir; do
            (cd "$(cat "$where")" &&
                "${where%.dir}" -test.run '^$' -test.bench "$bench" -test.benchmem) >>"$work/$side.txt"
        done
    done
done
"$top/bin/benchstat" "$ref=$work/old.txt" "tree=$work/new.txt"
