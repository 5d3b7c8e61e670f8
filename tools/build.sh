#!/usr/bin/env bash
# Builds the whole program as one file, target/release/refundry: first the console, then the server that
# embeds it.

. "$(dirname "$0")/lib.sh"

tools/build-console.sh

steps server 1
step 'Compile'
cargo build --release
note "target/release/refundry: $(du -h target/release/refundry | cut -f 1)"
