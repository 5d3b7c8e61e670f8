#!/usr/bin/env bash
# Compiles the browser's side to WebAssembly and writes to target/site/ the files that the server embeds.
# With --dev the build is quick and its pages reload themselves, for the server in debug (see dev.sh).

. "$(dirname "$0")/lib.sh"
steps console 3

profile=browser folder=browser bundle=(target/release/bundle)
if [ "${1:-}" = --dev ]; then profile=dev folder=debug bundle+=(--dev); fi

step 'Compile for the browser'
cargo build "${BROWSER_SIDE[@]}" --profile "$profile"

step 'Compile the bundler'
cargo build --release -p bundle

step 'Bundle'
"${bundle[@]}" "target/browser/wasm32-unknown-unknown/$folder/refundry.wasm" target/site
