#!/usr/bin/env bash
# Builds the whole program as one file: first the console, then the server that embeds it. Quickly, to
# target/quick/refundry, or with --release for production, to target/release/refundry.

. "$(dirname "$0")/lib.sh"

case ${1:-} in
    '') profile=quick ;;
    --release) profile=release ;;
    *) fail 'usage: build.sh [--release]' ;;
esac

tools/build-console.sh "$@"

steps server 1
step 'Compile'
cargo build --profile "$profile"
took
note "target/$profile/refundry: $(du -h "target/$profile/refundry" | cut -f 1)"
