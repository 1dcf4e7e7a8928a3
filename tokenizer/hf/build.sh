#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds libtokenizers.a from the Rust source that github.com/daulet/tokenizers ships in
# its Go module, into .cache/hf, and runs the tests of this package with it. Needs cargo
# and a C compiler. LIBTOKENIZERS=DIR takes the library from DIR instead.
#
# The module's Cargo.toml takes tiktoken-rs from a git branch; nothing here uses it, so the
# published crate stands in.
set -eu
cd "$(dirname "$0")/../.."
if [ -z "${LIBTOKENIZERS:-}" ]; then
    work="$PWD/.cache/hf"
    mkdir -p "$work"
    module=$(go list -m -f '{{.Dir}}' github.com/daulet/tokenizers)
    cp -R "$module/src" "$module/Cargo.toml" "$module/Cargo.lock" "$work/"
    chmod -R u+w "$work"
    sed -i.bak 's|^tiktoken-rs = .*|tiktoken-rs = "0.9"|; /^\[\[bench\]\]/,$d; /^\[dev-dependencies\]/,/^$/d' "$work/Cargo.toml"
    cargo build --release --manifest-path "$work/Cargo.toml"
    LIBTOKENIZERS="$work/target/release"
fi
CGO_LDFLAGS="-L$LIBTOKENIZERS" go test -tags hf_tokenizers ./tokenizer/hf
