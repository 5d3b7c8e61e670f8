#!/usr/bin/env bash
# Compiles the browser's side to WebAssembly and writes to target/site/ the files that the server embeds: quickly, or
# with --release as small as possible. With --dev its pages reload themselves, for the server in debug (see dev.sh).

. "$(dirname "$0")/lib.sh"
steps console 3

case ${1:-} in
    '') profile=browser-quick folder=browser-quick bundle=(target/quick/bundle) ;;
    --release) profile=browser folder=browser bundle=(target/quick/bundle) ;;
    --dev) profile=dev folder=debug bundle=(target/quick/bundle --dev) ;;
    *) fail 'usage: build-console.sh [--release|--dev]' ;;
esac

step 'Compile for the browser'
cargo build "${BROWSER_SIDE[@]}" --profile "$profile"

step 'Compile the bundler'
cargo build "${QUICK[@]}" -p bundle

step 'Bundle'
"${bundle[@]}" "target/browser/wasm32-unknown-unknown/$folder/refundry.wasm" target/site
took
