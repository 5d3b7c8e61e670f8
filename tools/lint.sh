#!/usr/bin/env bash
# The checks that run nothing: `lint.sh` makes them all, `lint.sh format|server|browser` one.

. "$(dirname "$0")/lib.sh"

format() {
    cargo fmt --all --check
}
server() {
    cargo clippy --release --all-targets -- -D warnings
    cargo clippy --release --all-targets -p bundle -- -D warnings
}
browser() {
    cargo clippy "${BROWSER_SIDE[@]}" --profile browser -- -D warnings
}

case ${1:-all} in
    format | server | browser) "$1" ;;
    all) format && server && browser ;;
    *) fail 'usage: lint.sh [format|server|browser]' ;;
esac
